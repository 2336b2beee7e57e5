"""Colours, noise and light that all scenes share."""

import colorsys

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Generator = np.random.Generator


def hsv(hue: float, saturation: float, value: float) -> F32:
    """Convert hue, saturation and value to RGB, (3,) float32 0…1; hue wraps around, the others are clipped."""
    return np.array(colorsys.hsv_to_rgb(hue % 1, float(np.clip(saturation, 0, 1)), float(np.clip(value, 0, 1))), "f4")


def noise_field(rng: Generator, side: int, slope: float) -> F32:
    """Noise of a spectrum 1/f^slope, mean 0 and standard deviation 1, (side, side) float32."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((side, side))) * frequency**-slope
    field = np.fft.irfft2(spectrum, (side, side))
    return (field / max(field.std(), 1e-9)).astype(np.float32)


def finished(rng: Generator, scene: F32) -> U8:
    """Texture, shading, daylight or night, mist and a lens, over a scene (H, W, 3) float32 0…1."""
    import cv2

    side = scene.shape[0]
    scene = scene * np.exp(np.float32(rng.uniform(0, 0.25)) * noise_field(rng, side, 2.2))[..., None]
    fine = noise_field(rng, side, rng.uniform(0.3, 1.2))
    scene = scene * np.exp(np.float32(rng.uniform(0, 0.07)) * fine)[..., None]
    scene = scene * max(1.0, 0.2 / max(float(scene.mean()), 0.02))  # too dark a scene teaches nothing
    light = rng.random()
    if light < 0.18:
        scene = scene * np.float32(rng.uniform(0.18, 0.5))  # night
    elif light < 0.4:
        scene = scene ** np.float32(rng.uniform(0.45, 0.9))  # overcast
    if rng.random() < 0.2:
        veil = np.float32(rng.uniform(0.1, 0.5))
        scene = (1 - veil) * scene + veil * min(1.0, float(scene.mean()) * 1.6 + 0.05)
    blur = rng.uniform(0.0, 0.9) if rng.random() < 0.9 else rng.uniform(1, 3)
    if blur > 0.25:
        scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), blur), np.float32)
    return np.rint(np.clip(scene, 0, 1) * 255).astype(np.uint8)


def as_phones_do(rng: Generator, scene: U8, sharpened: float, colourful: float) -> U8:
    """Sharpen and colour a scene (H, W, 3) uint8 as phones do, with these probabilities; 0 draws nothing."""
    import cv2

    out = scene.astype(np.float32)
    if colourful and rng.random() < colourful:
        grey = out.mean(axis=2, keepdims=True)
        out = grey + (out - grey) * np.float32(rng.uniform(1.2, 2.5))
    if sharpened and rng.random() < sharpened:
        soft = cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.7, 1.6)))
        out = out + (out - soft) * np.float32(rng.uniform(0.4, 1.6))
    return np.rint(np.clip(out, 0, 255)).astype(np.uint8)
