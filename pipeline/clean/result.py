"""What `clean` gives back."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rainclean.candidates import Candidate, PictureStore, Recipe, Selection
from rainclean.moving import Findings as MovingFindings
from rainclean.rainfree import Posterior
from rainclean.stabilization import Stabilization
from rainclean.verdict import Verdict
from rainclean.video import Region

U8 = NDArray[np.uint8]


@dataclass(kw_only=True)
class CleanResult:
    """Candidates of one clip, best first, and what is known of them. Close it to free the pictures.

    Attributes:
        requested: "sweep", "released", "median" or a recipe's name.
        selection: the used frames and their windows.
        candidates: best first.
        pictures: their clean images.
        reference_rgb: (h, w, 3), the rainy reference frame, cut to the region.
        scoring_target: (h, w) float32 in levels, what scores compare with.
        region: of the upright frame, what the pictures show.
        times: seconds from the clip's first frame, of each used frame.
        motion: frame index → shift against the reference frame in px (None: cannot be told), of some frames; where
            frames were stabilized, of all of them, and what is left of it.
        warnings: for a person, a line each.
        timings: seconds by stage; stages overlap, so that their sum can exceed ``wall``.
        scratch_bytes: that the stack took.
        sizes: N of each window as recipes name it.
        verdict: whether the candidates can be trusted.
        stabilization: how frames were registered and relit, if they were.
        posterior: of the truth, where a mean of all frames was made, or one of near frames is best.
        posterior_of: the recipe whose clean image is the mean of the posterior; None where no one's is.
        moving: what moves besides rain, by position in ``selection``.
        repeats: of all frames between in and out point, those that show a picture again → the frame that stands for
            it. None of them is used, but where all show one picture. Empty where used ones have none.
        near_times: frames that candidates of near frames used, with their times in seconds.
    """

    requested: str
    selection: Selection
    candidates: list[Candidate]
    pictures: PictureStore
    reference_rgb: U8
    scoring_target: NDArray[np.float32]
    region: Region
    times: list[float]
    motion: dict[int, float | None]
    warnings: list[str]
    timings: dict[str, float]
    scratch_bytes: int
    sizes: list[int]
    verdict: Verdict
    stabilization: Stabilization | None = None
    posterior: Posterior | None = None
    posterior_of: Recipe | None = None
    moving: MovingFindings | None = None
    repeats: dict[int, int] = field(default_factory=dict)
    near_times: dict[int, float] = field(default_factory=dict)

    def picture(self, candidate: Candidate) -> U8:
        """A candidate's clean image, (h, w, 3) uint8 RGB."""
        return self.pictures.picture(candidate.row)

    def frames_of(self, recipe: Recipe) -> dict[int, float]:
        """The frames that a recipe used, by index in the clip, with their times in seconds."""
        if recipe.of_near_frames:
            return self.near_times
        start, stop = self.selection.windows[self.sizes.index(recipe.frames)]
        return dict(zip(self.selection.indices[start:stop], self.times[start:stop], strict=True))

    def close(self) -> None:
        """Give memory or disk space back."""
        self.pictures.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
