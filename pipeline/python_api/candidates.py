"""Candidates of one clip, for scripts and notebooks."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.clean import CleanResult, CleanSettings, clean, clean_folder, contact_sheet, write_clean
from pipeline.stages import Progress, finish
from pipeline.unchanged import unchanged
from rainclean.candidates import Candidate
from rainclean.errors import UsageError
from rainclean.picture import Picture
from rainclean.verdict import Verdict
from rainclean.video import FrameSource, Region, SourceInfo, open_source

if TYPE_CHECKING:
    from pandas import DataFrame

U8 = NDArray[np.uint8]

COLUMNS = (
    "rank", "recipe", "description", "frames", "eta", "percentile", "score",
    "streaks", "detail", "darkening", "disagreement",
)  # fmt: skip


class CandidateImage:
    """One candidate of a clip: a clean image, its recipe and its scores."""

    def __init__(self, result: CleanResult, rank: int) -> None:
        self._result, self.rank = result, rank
        self._candidate: Candidate = result.candidates[rank - 1]

    @property
    def recipe(self) -> str:
        """Return the name of its recipe, as `make_candidates` takes it."""
        return self._candidate.recipe.name

    @property
    def score(self) -> float:
        """Return the sum of its four defects in grey levels; lower is better."""
        assert self._candidate.scores is not None
        return self._candidate.scores.total

    @property
    def array(self) -> U8:
        """Return the clean image, (H, W, 3) uint8 RGB, as a copy."""
        return self._result.picture(self._candidate).copy()

    def show(self) -> Picture:
        """Return the clean image as a picture that notebooks show."""
        return Picture(self.array, self.recipe)

    def save(self, path: Path | str) -> Path:
        """Write the clean image to a file; see `Picture.save`."""
        return self.show().save(path)

    def __repr__(self) -> str:
        return f"<CandidateImage {self.rank}: {self.recipe}, score {self.score:.3f}>"


class CandidateSet:
    """The candidates of a clip, best first; a context manager. Close it to free the pictures.

    Attributes:
        candidates: best first.
        verdict: whether they can be trusted: ``verdict.state`` is "fit", "look" or "unfit".
        warnings: one line each.
    """

    def __init__(self, result: CleanResult, info: SourceInfo) -> None:
        self._result, self._info = result, info
        self.candidates = tuple(CandidateImage(result, rank + 1) for rank in range(len(result.candidates)))
        self.verdict: Verdict = result.verdict
        self.warnings: tuple[str, ...] = tuple(result.warnings)

    @property
    def best(self) -> CandidateImage:
        """Return the candidate with the lowest score."""
        return self.candidates[0]

    @property
    def reference(self) -> Picture:
        """Return the rainy reference frame, cut to the region of the candidates."""
        return Picture(self._result.reference_rgb, "reference frame")

    @property
    def expected_error(self) -> NDArray[np.float32] | None:
        """Return how far each pixel of the best candidate may be off: (H, W) float32 in grey levels.

        None where no rain-free mean was made.
        """
        posterior = self._result.posterior
        return None if posterior is None else posterior.error(self.best.array)

    @property
    def table(self) -> "DataFrame":
        """Return a table with a row for each candidate, best first.

        Returns:
            Columns rank (1 is best), recipe, description, frames (used), eta (the window's η*, percent), percentile
            (looked up), score and its four parts streaks, detail, darkening, disagreement in grey levels.
        """
        from pandas import DataFrame

        rows = []
        for rank, candidate in enumerate(self._result.candidates, 1):
            recipe, scores = candidate.recipe, candidate.scores
            assert scores is not None
            rows.append(
                (
                    rank, recipe.name, recipe.description, len(self._result.frames_of(recipe)), candidate.eta,
                    candidate.percentile, scores.total, scores.streaks, scores.detail, scores.darkening,
                    scores.disagreement,
                )
            )  # fmt: skip
        return DataFrame(rows, columns=list(COLUMNS))

    def show(self) -> Picture:
        """Return the contact sheet: rainy frame, best candidate, what it removed, then all candidates."""
        return Picture(contact_sheet(self._result), self._info.path.name)

    def save(self, folder: Path | str, bits: int = 8) -> Path:
        """Write the files of ``rainclean clean`` and return the folder.

        Args:
            folder: made if it is not there.
            bits: 8 or 16 per channel of clean.png.

        Raises:
            RaincleanError: the folder cannot be used, or the disk is full.
        """
        if bits not in (8, 16):
            raise UsageError(f"bits {bits}: use 8 or 16")
        with clean_folder(Path(folder), self._info.path) as output:
            finish(write_clean(self._result, self._info, output, bits))
        return Path(folder)

    def close(self) -> None:
        """Free the memory or disk space of the pictures."""
        self._result.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<CandidateSet {self._info.path.name}: {len(self.candidates)}, {self.verdict.state}>"


def make_candidates(
    clip: FrameSource | Path | str,
    recipe: str | None = None,
    *,
    frames: int | None = None,
    reference: int | None = None,
    first: int = 0,
    stop: int | None = None,
    region: tuple[int, int, int, int] | None = None,
    memory: int | None = None,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> CandidateSet:
    """Make the candidates of a clip, as ``rainclean clean`` does.

    Args:
        clip: of `open_clip`, or the path of a video file or a folder of images.
        recipe: None for the sweep, "released", "median", or a recipe's name.
        frames: at most so many.
        reference: index of the reference frame; None for the middle one.
        first, stop: frame indices in the clip; ``stop`` is the first one not used.
        region: use only this part of the upright frame: x, y, width, height in px.
        memory: bytes to use; what does not fit goes to disk. None for a quarter of the machine's, 1 to 4 GiB.
        workers: threads; None for one per core.
        progress: called with each step. What it raises ends the work, and nothing is left behind.

    Returns:
        The candidates, best first. Close it, or use it in ``with``.

    Raises:
        InputError: the clip cannot be read, or has no such frames.
        UsageError: no such recipe.
        ResourceError: too little memory or disk space.

    >>> import rainclean as rc
    >>> with rc.make_candidates("sample_sequences/table/clip.mp4", "median", frames=10) as result:
    ...     best = result.best.array
    ...     recipes = list(result.table["recipe"])
    >>> best.shape, recipes
    ((240, 352, 3), ['n10-p50'])
    """
    asked = CleanSettings(
        recipe=recipe,
        frames=frames,
        reference=reference,
        first=first,
        stop=stop,
        region=None if region is None else Region(*region),
    )
    if memory is not None:
        asked = replace(asked, memory=memory)
    if workers is not None:
        asked = replace(asked, workers=workers)
    with ExitStack() as opened:
        if isinstance(clip, Path | str):
            opened.enter_context(unchanged(Path(clip)))
            clip = opened.enter_context(open_source(clip))
        return CandidateSet(finish(clean(clip, asked), progress), clip.info)
