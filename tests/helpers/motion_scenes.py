"""Things that move or stand still before the camera without being rain, painted into clips for tests of `motion`."""

import io

import av
import cv2
import numpy as np

from rainclean.moving.detection import Findings, MotionDetector
from rainclean.simulate._kernel import expose
from rainclean.simulate.camera import fit, generator, lit, sensor_noise
from rainclean.simulate.presets import preset
from rainclean.simulate.render import Renderer
from rainclean.simulate.streaks import rain_over

U8 = np.ndarray
Place = tuple[slice, slice]

SIZE = (160, 240)
FRAMES = 48


def mask_of(place: Place, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool, true in a rectangle."""
    mask = np.zeros(size, bool)
    mask[place] = True
    return mask


def leaves(scene: U8, place: Place, seed: int = 0) -> U8:
    """The scene (H, W, 3) uint8 with foliage in a rectangle: overlapping leaves of several greens."""
    rng = np.random.default_rng([seed, 1])
    height, width = place[0].stop - place[0].start, place[1].stop - place[1].start
    patch = np.full((height, width, 3), (30, 45, 20), np.uint8)
    for _ in range(height * width // 25):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        colour = (np.array([60, 110, 45]) * rng.uniform(0.4, 1.6)).clip(0, 255).astype(int).tolist()
        axes = (int(rng.integers(3, 7)), int(rng.integers(1, 4)))
        cv2.ellipse(patch, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    out = scene.copy()
    out[place] = patch
    return out


def swaying(scene: U8, place: Place, frames: int, reach: float = 1.5, seed: int = 0) -> list[U8]:
    """Scenes in which what the rectangle shows is bent to and fro by wind: smooth shifts of ``reach`` px (rms)."""
    rng = np.random.default_rng([seed, 2])
    size = scene.shape[:2]
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    soft = cv2.GaussianBlur(mask_of(place, size).astype(np.float32), (0, 0), 2)
    fields = []
    for _ in range(4):
        coarse = rng.standard_normal((size[0] // 20 + 2, size[1] // 20 + 2, 2)).astype(np.float32)
        fields.append(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC))
    periods, phases = rng.uniform(12, 45, 4), rng.uniform(0, 2 * np.pi, 4)
    out = []
    for t in range(frames):
        shift = sum(
            f * np.float32(np.sin(2 * np.pi * t / p + q)) for f, p, q in zip(fields, periods, phases, strict=True)
        )
        shift = shift * np.float32(reach / np.sqrt(2)) * soft[..., None]
        out.append(
            cv2.remap(scene, x + shift[..., 0], y + shift[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        )
    return out


def water(scene: U8, place: Place, frames: int, height: float = 7.0, seed: int = 0) -> list[U8]:
    """Scenes with a water surface in the rectangle: waves that run, seen from the side and so flat and wide."""
    rng = np.random.default_rng([seed, 3])
    y, x = np.mgrid[place].astype(np.float32)
    base = cv2.GaussianBlur(scene[place], (0, 0), 8).astype(np.float32)
    waves = [
        (rng.uniform(0.05, 0.16), rng.uniform(0.6, 1.2), rng.uniform(0.25, 0.7), rng.uniform(0, 6.3)) for _ in range(8)
    ]
    out = []
    for t in range(frames):
        level = sum(
            np.sin(kx * x * (1 if i % 2 else -1) + ky * y + w * t + q) for i, (kx, ky, w, q) in enumerate(waves)
        )
        picture = scene.copy()
        picture[place] = np.clip(base + (height / 2 * level)[..., None], 0, 255).astype(np.uint8)
        out.append(picture)
    return out


def splashing(scenes: list[U8], place: Place, rate: float = 0.004, seed: int = 0) -> list[U8]:
    """Splashes in the rectangle: bright round spots, ``rate`` new ones a px and frame, each seen in two frames."""
    rng = np.random.default_rng([seed, 4])
    height, width = place[0].stop - place[0].start, place[1].stop - place[1].start
    born = [rng.poisson(rate * height * width) for _ in range(len(scenes) + 1)]
    spots = [
        [(rng.integers(width), rng.integers(height), rng.uniform(1.0, 2.4), rng.uniform(0.25, 0.6)) for _ in range(n)]
        for n in born
    ]
    out = []
    for t, scene in enumerate(scenes):
        cover = np.zeros((height, width), np.float32)
        for age in (0, 1):
            for x, y, radius, opacity in spots[t + 1 - age]:
                one = np.zeros_like(cover)
                cv2.circle(one, (int(x), int(y)), round(radius + age), opacity / (1 + age), -1, cv2.LINE_AA)
                cover = np.maximum(cover, one)
        picture = scene.copy()
        part = picture[place].astype(np.float32)
        picture[place] = np.clip(part + cover[..., None] * (232 - part), 0, 255).astype(np.uint8)
        out.append(picture)
    return out


def overlaid(frames: list[U8], opacity: float = 1.0, clock: bool = False) -> tuple[list[U8], np.ndarray]:
    """Frames with writing burned in after the rain and the sensor, and the mask of its strokes.

    A mark at the upper left, which stands; with ``clock`` also digits at the lower right, changing every 10 frames.
    """
    size = frames[0].shape[:2]
    out, mask = [], np.zeros(size, bool)
    for t, frame in enumerate(frames):
        ink = np.zeros(size, np.uint8)
        cv2.putText(ink, "RAIN TV", (12, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 255, 3, cv2.LINE_AA)
        if clock:
            words = f"12:00:{t // 10:02d}"
            cv2.putText(ink, words, (size[1] - 130, size[0] - 14), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 3, cv2.LINE_AA)
        mask |= ink > 127
        cover = (ink / 255.0 * opacity)[..., None]
        out.append(np.rint(frame * (1 - cover) + cover * (205, 190, 60)).astype(np.uint8))
    return out, mask


def encoded(frames: list[U8], crf: int) -> list[U8]:
    """Frames as H.264 at a constant rate factor leaves them."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        options = {"crf": str(crf), "preset": "fast", "x264-params": "threads=1:cpu-independent=1"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as written:
        return [frame.to_ndarray(format="rgb24") for frame in written.decode(video=0)]


def picture() -> np.ndarray:
    """A scene of slopes, blocks and soft texture in colour, (160, 240, 3) uint8."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    rng = np.random.default_rng(7)
    grain = rng.normal(0, 1, (40, 60, 3)).repeat(4, 0).repeat(4, 1) * 5
    grey = 60 + 0.25 * x + 0.2 * y + 30 * ((x // 40 + y // 30) % 2)
    return np.clip(grey[..., None] * (1.0, 0.9, 0.75) + grain, 0, 235).astype(np.uint8)


def rained(scenes: list[np.ndarray], name: str = "medium", seed: int = 0, **changes: float) -> list[np.ndarray]:
    """Rain and noise of a preset over scenes that change, one frame each."""
    case, size, out = preset(name, **changes), scenes[0].shape[:2], []
    for i, scene in enumerate(scenes):
        seen = lit(fit(scene, size), case).astype(np.float32)
        rain = rain_over(case.rain, case.gradient, size, generator(seed, "rain", i))
        frame = np.empty(seen.shape, np.uint8)
        expose(seen, rain.opacity, rain.light, sensor_noise(case, size, seed, i), 1.0, frame)
        out.append(frame)
    return out


def clip(name: str, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Frames of a preset with its light undone, their truth, and passers-by (N, H, W) bool."""
    renderer = Renderer(preset(name), SIZE, FRAMES, seed)
    scene = renderer.scene(picture())
    rendered = [renderer.render(i, scene) for i in range(FRAMES)]
    gains = renderer.path.gains
    frames = [np.clip(np.rint(r.frame / g), 0, 255).astype(np.uint8) for r, g in zip(rendered, gains, strict=True)]
    passers = [r.passers > 127 if r.passers is not None else np.zeros(SIZE, bool) for r in rendered]
    return frames, scene, np.array(passers)


def estimate(frames: list[np.ndarray], percent: float = 35) -> np.ndarray:
    """A clean image with faults of its own: one percentile over time."""
    return np.percentile(np.array(frames), percent, axis=0).astype(np.float32)


def found_in(
    frames: list[np.ndarray], clean: np.ndarray, noise: float = 2.0, shown: np.ndarray | None = None
) -> Findings:
    """What moves in frames, told beside a clean image; shown: the one that came out, which is to explain them."""
    moving = MotionDetector(frames[0].shape[:2], len(frames))
    sigma = np.full(frames[0].shape[:2], 0.67 * noise, np.float32)  # of luma: channels' noises are independent
    moving.compare_with(clean, sigma)
    for position, frame in enumerate(frames):
        moving.add_frame(frame, position)
    return moving.result(None if shown is None else lambda: moving.on_grid(shown.astype(np.float32)))


def recall_and_precision(found: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    both = (found & true).sum()
    return both / true.sum(), both / max(1, found.sum())
