"""Small clips of the ladder, over a photograph, with all that is true of them."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import imageio.v3 as imageio
import numpy as np

from rainclean.simulate.presets import preset
from rainclean.simulate.render import Renderer
from tests.conftest import ROOT

SIZE = (120, 160)
FRAMES = 60


@dataclass(frozen=True)
class LadderClip:
    """frames: (N, H, W, 3) uint8. truth: (H, W, 3) uint8, of the middle frame. free: (N, H, W) bool, where neither rain
    nor a passer-by is. gains: (N,), matrices: (N, 3, 3), px of the middle frame to px of each.
    """

    frames: np.ndarray
    truth: np.ndarray
    free: np.ndarray
    gains: np.ndarray
    matrices: np.ndarray

    @cached_property
    def best(self) -> np.ndarray:
        """What could be had: the mean of the values that are free, else the truth. (H, W, 3) float64."""
        free = self.free[..., None]
        number = free.sum(axis=0)
        return np.where(number > 0, (self.frames * free).sum(axis=0) / np.maximum(number, 1), self.truth)

    def psnr(self, picture: np.ndarray) -> float:
        return float(10 * np.log10(255**2 / np.square(picture.astype(np.float64) - self.truth).mean()))


@lru_cache(maxsize=16)
def ladder_clip(name: str, seed: int = 0, frames: int = FRAMES, sample: str = "table", **changes: float) -> LadderClip:
    """A case of the ladder over the background of a shipped sample."""
    picture = imageio.imread(ROOT / "sample_sequences" / sample / "background.png")[..., :3]
    renderer = Renderer(preset(name, **changes), SIZE, frames, seed)
    scene = renderer.scene(picture)
    made = [renderer.render(i, scene) for i in range(frames)]
    free = [(m.rain == 0) & (True if m.passers is None else m.passers == 0) for m in made]
    transforms = [np.vstack((t, (0, 0, 1))) for t in renderer.path.transforms]
    return LadderClip(
        np.stack([m.frame for m in made]),
        made[frames // 2].truth,
        np.stack(free),
        np.asarray(renderer.path.gains),
        np.stack([np.linalg.inv(t) @ transforms[frames // 2] for t in transforms]),
    )
