"""Makes the sample: rain painted over a photograph, so that its clean image is known.

    python sample_sequences/make_sample.py

The photograph is `skimage.data.coffee()` (by Rachel Michetti, CC0, shipped with scikit-image). Rain: straight
streaks of random place, length and opacity, drawn with smooth edges over each frame anew, and sensor noise.
"""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
WIDTH, HEIGHT, FRAMES, RATE = 352, 240, 100, 25


def rain_opacity(
    rng: np.random.Generator,
    size: tuple[int, int],
    density: float = 0.004,
    length: float = 26,
    strength: float = 0.5,
    width: float = 1.4,
    slant_degrees: float = 8,
) -> NDArray[np.float32]:
    """Opacity 0…1 of one frame's streaks, (H, W) float32. density: streaks per px; length, width: px."""
    height, wide = size
    opacity = np.zeros(size, np.float32)
    for _ in range(rng.poisson(density * height * wide)):
        x, y = rng.uniform(-20, wide + 20), rng.uniform(-length, height + length)
        half = 0.5 * length * rng.uniform(0.6, 1.4)
        angle = np.deg2rad(slant_degrees + rng.normal(0, 1))
        dx, dy = half * np.sin(angle), half * np.cos(angle)
        left, top = int(max(0, x - abs(dx) - 4)), int(max(0, y - dy - 4))
        right, bottom = int(min(wide, x + abs(dx) + 5)), int(min(height, y + dy + 5))
        if left >= right or top >= bottom:
            continue
        box = np.s_[top:bottom, left:right]
        yy, xx = np.mgrid[top:bottom, left:right].astype(np.float32)
        along = ((xx - x) * np.sin(angle) + (yy - y) * np.cos(angle)) / half
        across = (xx - x) * np.cos(angle) - (yy - y) * np.sin(angle)
        streak = np.exp(-0.5 * (across / (width / 2)) ** 2) * np.clip(4 * (1 - np.abs(along)), 0, 1)
        opacity[box] = np.maximum(opacity[box], rng.uniform(0.25, 1) * strength * streak)
    return opacity


def rainy_frame(
    truth: NDArray[np.uint8], opacity: NDArray[np.float32], noise: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """Streaks near white of the given opacity over the truth, plus noise in grey levels; (H, W, 3) uint8."""
    alpha = opacity[..., None]
    return np.clip(np.rint(truth * (1 - alpha) + 232 * alpha + noise), 0, 255).astype(np.uint8)


def main() -> None:
    """Write table.mp4 and table_truth.png beside this file."""
    from skimage import data

    # 4:4:4 and a low CRF: what this sample shows is rain, not what a codec does to colours.
    photograph = cv2.resize(data.coffee(), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng(2019)
    with av.open(HERE / "table.mp4", "w") as container:
        # One thread: the encoder's output then does not depend on the machine's number of cores.
        stream = container.add_stream("libx264", RATE, options={"crf": "14", "preset": "slow", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        stream.time_base = Fraction(1, RATE)
        for _ in range(FRAMES):
            opacity = rain_opacity(rng, (HEIGHT, WIDTH))
            frame = rainy_frame(photograph, opacity, rng.normal(0, 2, photograph.shape))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    cv2.imwrite(str(HERE / "table_truth.png"), photograph[..., ::-1])


if __name__ == "__main__":
    main()
