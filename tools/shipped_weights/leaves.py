"""Scenes of dead leaves: random shapes that cover each other, of sizes that follow a power law.

They have edges, occlusions and statistics of natural pictures without being any (Lee, Mumford and Huang, "Occlusion
models for natural images", IJCV 41 (2001), doi:10.1023/A:1011109015675), and restoration learned on them carries over
to photographs (Achddou, Gousseau and Ladjal, "Synthetic images as a regularity prior for image restoration neural
networks", SSVM 2021, doi:10.1007/978-3-030-75549-2_27). Ours hold things that are easily taken for rain as well.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tools.shipped_weights.colours import F32, U8, Generator, finished, hsv, noise_field

_FINER = 2
"""Leaves are drawn so many times larger, which gives them soft edges."""


def leaves_scene(rng: Generator, side: int, textures: Mapping[str, U8], thickets: float = 0.0) -> U8:
    """Dead leaves with things that are easily taken for rain: (side, side, 3) uint8.

    textures: photographs whose pieces some leaves show. thickets: probability of a thicket; 0 draws nothing.
    """
    import cv2

    size = side * _FINER
    palette = _palette(rng)
    horizon = size * rng.uniform(0.15, 0.5) if rng.random() < 0.35 else -float(size)
    canvas = _sky(rng, size) if horizon > 0 else np.broadcast_to(_colour(rng, palette), (size, size, 3)).copy()
    count = int(rng.integers(80, 320))
    blurred_until = int(count * rng.uniform(0.3, 0.9)) if rng.random() < 0.4 else -1
    exponent = rng.uniform(1.5, 3.0)
    largest, smallest = size * rng.uniform(0.25, 0.5), 3.0 * _FINER
    for k in range(count):
        # The inverse of the distribution r^−exponent between smallest and largest; the first ones fill the ground.
        power = 1 - exponent
        radius = (smallest**power + rng.random() * (largest**power - smallest**power)) ** (1 / power)
        radius = largest * rng.uniform(0.4, 1.0) if k < 14 else radius
        x, y = rng.uniform(0, size), rng.uniform(max(0.0, horizon + 0.3 * radius), size)
        _leaf(rng, canvas, (x, y), radius, palette, textures)
        if k == blurred_until:
            canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), _FINER * rng.uniform(1, 6)), np.float32)
    if thickets and rng.random() < thickets:
        _thicket(rng, canvas)
    for _ in range(rng.integers(0, 6)):
        _THINGS[int(rng.integers(len(_THINGS)))](rng, canvas, palette)
    small = cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA)
    return finished(rng, np.clip(small, 0, 1))


def _palette(rng: Generator) -> list[F32]:
    """Draw a few colours that match: mostly earth, plants, walls and sky, rarely loud."""
    hues = (0.02, 0.07, 0.1, 0.13, 0.25, 0.33, 0.58, 0.62)
    return [
        hsv(rng.choice(hues) + 0.03 * rng.standard_normal(), rng.beta(1.5, 4.0), rng.uniform(0.05, 0.95))
        for _ in range(rng.integers(4, 9))
    ]


def _colour(rng: Generator, palette: list[F32]) -> F32:
    colour = palette[int(rng.integers(len(palette)))] * np.float32(rng.uniform(0.6, 1.35))
    return np.clip(colour + 0.04 * rng.standard_normal(3, np.float32), 0, 1)


def _sky(rng: Generator, size: int) -> F32:
    """Bright, a little brighter or bluer at one end."""
    bright, faint = hsv(0.58, rng.uniform(0, 0.25), rng.uniform(0.8, 1.0)), hsv(0.58, 0.03, rng.uniform(0.6, 1.0))
    share = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
    sky = np.broadcast_to(bright * (1 - share) + faint * share, (size, size, 3)).copy()
    clouds = noise_field(rng, size, 1.8)[..., None]
    return np.asarray(np.clip(sky + np.float32(rng.uniform(0, 0.06)) * clouds, 0, 1), np.float32)


def _leaf(
    rng: Generator,
    canvas: F32,
    middle: tuple[float, float],
    radius: float,
    palette: list[F32],
    textures: Mapping[str, U8],
) -> None:
    """Draw one leaf over the canvas (H, W, 3) float32 0…1."""
    import cv2

    outline = _outline(rng, radius) + np.array(middle)
    low = np.maximum(np.floor(outline.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 1, canvas.shape[1::-1])
    if (high <= low).any():
        return
    width, height = (int(n) for n in high - low)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint(outline - low).astype(np.int32)], 1)
    part = canvas[low[1] : high[1], low[0] : high[0]]
    part[mask > 0] = _surface(rng, height, width, palette, textures)[mask > 0]


def _outline(rng: Generator, radius: float) -> NDArray[np.float64]:
    """Draw the outline (N, 2), x and y, of a disc, rectangle, triangle… or a ragged blob around 0."""
    turn = rng.uniform(0, 2 * math.pi)
    stretch = np.array([1.0, math.exp(rng.uniform(-1.1, 0.4))]) * radius
    kind = rng.random()
    if kind < 0.35:
        angles = np.linspace(0, 2 * math.pi, 40, endpoint=False)
        points = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    elif kind < 0.6:  # walls and posts stand upright
        points, turn = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]), 0.08 * rng.standard_normal()
        turn += 0.5 * math.pi * (rng.random() < 0.5)
    else:
        corners = int(rng.integers(3, 14))
        angles = np.sort(rng.uniform(0, 2 * math.pi, corners))
        points = np.stack((np.cos(angles), np.sin(angles)), axis=1) * rng.uniform(0.5, 1.2, (corners, 1))
    sine, cosine = math.sin(turn), math.cos(turn)
    return points * stretch @ np.array([[cosine, sine], [-sine, cosine]])


def _surface(rng: Generator, height: int, width: int, palette: list[F32], textures: Mapping[str, U8]) -> F32:
    """Draw the surface of a leaf, (height, width, 3) float32 0…1."""
    one, other = _colour(rng, palette), _colour(rng, palette)
    kind = rng.random()
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    if kind < 0.4:
        field = noise_field(rng, 32 * -(-max(height, width) // 32), rng.uniform(0.3, 1.8))[:height, :width]
        surface = one + np.float32(rng.uniform(0.02, 0.15)) * field[..., None]
    elif kind < 0.55:  # shading
        angle = rng.uniform(0, 2 * math.pi)
        along = (x * math.cos(angle) + y * math.sin(angle)) / max(height, width)
        surface = one + (other - one) * np.float32(rng.uniform(0.2, 1)) * along[..., None]
    elif kind < 0.66:  # boards, fences, blinds: upright ones look most like rain
        angle = 0.1 * rng.standard_normal() if rng.random() < 0.5 else rng.uniform(0, math.pi)
        period, duty = _FINER * math.exp(rng.uniform(math.log(2.5), math.log(16))), rng.uniform(0.2, 0.8)
        phase = ((x * math.cos(angle) + y * math.sin(angle)) / period + rng.random()) % 1
        surface = np.where((phase < duty)[..., None], one, one + (other - one) * np.float32(rng.uniform(0.2, 1)))
    elif kind < 0.86 and textures:
        picture = textures[sorted(textures)[int(rng.integers(len(textures)))]]
        tall, wide = min(height, picture.shape[0]), min(width, picture.shape[1])
        top, left = (int(rng.integers(0, n + 1)) for n in (picture.shape[0] - tall, picture.shape[1] - wide))
        piece = np.pad(
            picture[top : top + tall, left : left + wide, 1], ((0, height - tall), (0, width - wide)), "wrap"
        )
        surface = one * (0.4 + 1.2 * piece[..., None].astype(np.float32) / 255)
    else:
        surface = np.broadcast_to(one, (height, width, 3))
    return np.clip(surface, 0, 1)


def _foliage(rng: Generator, canvas: F32, palette: list[F32]) -> None:
    """Draw a heap of many small leaves, blades or stones in shades of one colour, darker below."""
    import cv2

    size = canvas.shape[0]
    x, y, reach = *rng.uniform(0, size, 2), size * rng.uniform(0.1, 0.4)
    colour, tilt = _colour(rng, palette), rng.uniform(0, 180)
    length, thin = _FINER * rng.uniform(1.2, 5), rng.uniform(0.25, 0.9)
    for _ in range(rng.integers(200, 1200)):
        place = (int(x + 0.5 * reach * rng.standard_normal()), int(y + 0.5 * reach * rng.standard_normal()))
        axes = (max(1, round(length * rng.uniform(0.5, 1.5))), max(1, round(length * thin * rng.uniform(0.5, 1.5))))
        shade = np.clip(colour * rng.uniform(0.45, 1.5) + 0.03 * rng.standard_normal(3), 0, 1)
        cv2.ellipse(canvas, place, axes, tilt + 40 * rng.standard_normal(), 0, 360, [float(c) for c in shade], -1)


def _thicket(rng: Generator, canvas: F32) -> None:
    """Draw hedges and treetops: small leaves that shine in front of dark gaps, over a large part of the picture."""
    import cv2

    size = canvas.shape[0]
    left, top = rng.uniform(-0.2, 0.4, 2) * size
    wide, tall = rng.uniform(0.6, 1.2, 2) * size
    colour = hsv(rng.uniform(0.18, 0.42), rng.uniform(0.2, 0.8), rng.uniform(0.25, 0.7))
    length, thin, spread = _FINER * rng.uniform(1.0, 4.5), rng.uniform(0.3, 0.9), rng.uniform(20, 90)
    tilt = 90 + 60 * rng.standard_normal()  # of the long axis against the horizontal: hanging leaves are common
    count = int(min(9000, 1.6 * wide * tall / (math.pi * length * length * thin)))
    depth = noise_field(rng, size, 1.6)
    for k in range(count):
        x, y = left + wide * rng.random(), top + tall * rng.random()
        inside = min(max(int(y), 0), size - 1), min(max(int(x), 0), size - 1)
        # From the shade within to the light outside.
        bright = (0.25 + 0.9 * k / count) * math.exp(0.35 * rng.standard_normal() + 0.25 * float(depth[inside]))
        shade = np.clip(colour * bright + 0.02 * rng.standard_normal(3), 0, 1)
        axes = (max(1, round(length * rng.uniform(0.5, 1.5))), max(1, round(length * thin * rng.uniform(0.5, 1.5))))
        cv2.ellipse(
            canvas, (int(x), int(y)), axes, tilt + spread * rng.standard_normal(), 0, 360, [float(c) for c in shade], -1
        )


def _stamp(canvas: F32, drawing: U8, colour: F32) -> None:
    """Colour the canvas where the drawing (H, W) uint8 is white."""
    share = drawing[..., None].astype(np.float32) / np.float32(255)
    canvas += (colour - canvas) * share


def _railing(rng: Generator, canvas: F32, palette: list[F32]) -> None:
    """Upright bars, bright or dark, far longer than streaks, evenly spaced or alone."""
    import cv2

    size = canvas.shape[0]
    drawing = np.zeros((size, size), np.uint8)
    spacing, thick = _FINER * rng.uniform(4, 30), int(rng.integers(1, 4 * _FINER))
    top, tall = int(rng.uniform(-0.2, 0.6) * size), int(rng.uniform(0.35, 1.0) * size)
    lean = math.tan(math.radians(rng.normal(0, 4)))
    left, count = rng.uniform(0, 0.8) * size, int(rng.integers(1, 16))
    for k in range(count):
        x = left + k * spacing
        cv2.line(drawing, (round(x), top), (round(x + lean * tall), top + tall), 255, thick, cv2.LINE_AA)
    if count > 2 and rng.random() < 0.7:
        end = round(left + (count - 1) * spacing)
        for y in (top, top + tall // 2):
            cv2.line(drawing, (round(left), y), (end, y), 255, thick + 1, cv2.LINE_AA)
    _stamp(canvas, drawing, _colour(rng, palette) if rng.random() < 0.5 else hsv(0.1, 0.05, rng.uniform(0.6, 1)))


def _wires(rng: Generator, canvas: F32, palette: list[F32]) -> None:
    """Thin curves across the picture: wires, twigs, cracks."""
    import cv2

    size = canvas.shape[0]
    for _ in range(rng.integers(1, 7)):
        drawing = np.zeros((size, size), np.uint8)
        steps = rng.normal(0, 0.35, 12).cumsum() * rng.uniform(0.1, 1) + rng.uniform(0, 2 * math.pi)
        walk = np.stack((np.cos(steps), np.sin(steps)), axis=1).cumsum(axis=0) * size * rng.uniform(0.02, 0.12)
        points = np.rint(walk + rng.uniform(0, size, 2)).astype(np.int32)
        cv2.polylines(drawing, [points], False, 255, int(rng.integers(1, 2 * _FINER + 1)), cv2.LINE_AA)
        _stamp(canvas, drawing, _colour(rng, palette))


def _letters(rng: Generator, canvas: F32, palette: list[F32]) -> None:
    """Draw a line of writing, as on signs."""
    import cv2

    drawing = np.zeros(canvas.shape[:2], np.uint8)
    text = "".join(chr(int(c)) for c in rng.integers(ord("A"), ord("Z") + 1, int(rng.integers(3, 9))))
    x, y = (int(v) for v in rng.uniform(0.05, 0.8, 2) * canvas.shape[0])
    scale, thick = float(_FINER * rng.uniform(0.3, 1.0)), int(rng.integers(1, 2 * _FINER + 1))
    cv2.putText(drawing, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, cv2.LINE_AA)
    _stamp(canvas, drawing, _colour(rng, palette))


_THINGS = (_railing, _railing, _railing, _wires, _letters, _foliage, _foliage, _foliage)
"""As often as they stand here."""
