"""Finds out, while frames pass, whether they have to be stabilized, and how."""

from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from pipeline.clean.survey import STILL_PX
from pipeline.stages import Progress, shares_done
from rainclean.candidates import Selection
from rainclean.stabilization import Exposure, ExposureSamples, FrameAligner, Pose, Registration, Stabilization
from rainclean.video import FrameSource, Region

U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

FEWEST_STEADY = 10
"""Frames that have to fit, for a clip to be stabilized at all."""

PARTS_NOTE = (
    "the light changes differently in parts of the frame, as under passing lamps or patches of sun: "
    "it was not corrected"
)


@dataclass(frozen=True, kw_only=True)
class Surveyed:
    """Whether frames have to be stabilized, and how.

    Attributes:
        stabilization: how; None where frames are well as they are, or too few fit.
        reference: position of the reference frame among those used, where they are stabilized.
        shifts: px that each frame of a still clip is off, by index; None where the camera moves.
        still_px: px up to which that is no motion.
        notes: what could not be told.
        drawn: see `registration.Registration`.
        seconds: that all this took.
    """

    stabilization: Stabilization | None = None
    reference: int = 0
    shifts: dict[int, float] | None = None
    still_px: float = STILL_PX
    notes: tuple[str, ...] = ()
    drawn: Mask | None = None
    seconds: float = 0.0


class RegistrationSurvey:
    """Collects what tells whether frames have to be stabilized: a `FrameObserver`.

    region: of each frame. workers: threads.
    """

    def __init__(self, region: Region, workers: int) -> None:
        self._region, self._workers = region, workers
        self._pictures = FrameAligner(workers)
        self._exposure = ExposureSamples(region.width, region.height)

    def add_frame(self, rgb: U8) -> None:
        """See `FrameObserver.add_frame`."""
        self._pictures.add_frame(rgb)
        self._exposure.add_frame(rgb)

    def result(
        self, source: FrameSource, selection: Selection, cuts: Sequence[int], reference: int | None
    ) -> Generator[Progress, None, Surveyed]:
        """Register the frames and measure their exposure.

        Args:
            source: where to read frames again.
            selection: the frames that were seen.
            cuts: indices of the first frames of new shots. One shot is used: that of ``reference``, or the longest.
            reference: position of a reference frame that was asked for.
        """
        began = perf_counter()
        start, stop = _shot(selection, cuts, reference)
        if stop - start < len(selection.indices):
            reference = (start + stop) // 2 if reference is None else reference
            self._pictures.keep(start, stop)
        asked = None if reference is None else reference - start
        begun: dict[int, Future[Exposure]] = {}
        with ThreadPoolExecutor(1, thread_name_prefix="rainclean-exposures") as beside:
            if FEWEST_STEADY <= stop - start == len(selection.indices):
                # Wanted where the camera stands still, with this reference frame: registering leaves cores idle.
                middle = (stop - start) // 2 if asked is None else asked
                begun[middle] = beside.submit(self._exposure.result, middle, self._workers)
            registration = yield from shares_done("register", self._pictures.result(asked))
        surveyed = _of_still(registration, selection, selection.indices[start:stop])
        if len(registration.fitting) >= FEWEST_STEADY:
            surveyed = yield from self._with_exposure(
                surveyed, source, selection, (start, stop), registration, begun=begun
            )
        return replace(surveyed, seconds=perf_counter() - began)

    def _with_exposure(
        self,
        surveyed: Surveyed,
        source: FrameSource,
        selection: Selection,
        shot: tuple[int, int],
        registration: Registration,
        *,
        begun: Mapping[int, Future[Exposure]],
    ) -> Generator[Progress, None, Surveyed]:
        """Measure the exposure of the frames that fit, and decide. begun: that of all frames, by reference frame."""
        indices = selection.indices[slice(*shot)]
        all_fit = len(registration.fitting) == len(selection.indices)
        if registration.moves or not all_fit:
            exposure = yield from self._exposure_of_fitting(source, indices, registration)
        elif registration.reference in begun:
            exposure = begun[registration.reference].result()
        else:
            exposure = self._exposure.result(registration.reference, self._workers)
        if exposure.parts:
            surveyed = replace(surveyed, notes=(PARTS_NOTE,))
        if not registration.moves and not exposure.changes and all_fit:
            return surveyed
        stabilization = self._stabilization(selection, indices, registration, exposure)
        if len(stabilization.poses) < FEWEST_STEADY:
            return surveyed
        return replace(surveyed, stabilization=stabilization, reference=shot[0] + registration.reference)

    def _exposure_of_fitting(
        self, source: FrameSource, indices: Sequence[int], registration: Registration
    ) -> Generator[Progress, None, Exposure]:
        """Measure the exposure of the frames that fit, sampled where the registered picture lies in each."""
        fitting = registration.fitting
        samples = ExposureSamples(self._region.width, self._region.height)
        for done, frame in enumerate(source.read([indices[p] for p in fitting], self._region), 1):
            matrix = registration.placements[fitting[done - 1]].matrix
            samples.add_frame(frame.rgb, matrix if registration.moves else None)
            yield Progress("light", done, len(fitting))
        return samples.result(fitting.index(registration.reference))

    def _stabilization(
        self, selection: Selection, indices: Sequence[int], registration: Registration, exposure: Exposure
    ) -> Stabilization:
        cut, inner = self._region, registration.region
        region = Region(cut.x + inner.x, cut.y + inner.y, inner.width, inner.height)
        poses: dict[int, Pose] = {}
        dropped = {index: "another shot" for index in selection.indices if index not in indices}
        for p, (index, placement) in enumerate(zip(indices, registration.placements, strict=True)):
            if not placement.fits:
                dropped[index] = placement.reason
                continue
            n = registration.fitting.index(p)
            # In a dark scene nothing may be measurable: then all frames count as exposed alike.
            if exposure.changes and not exposure.fits[n] and p != registration.reference:
                dropped[index] = "its exposure cannot be compared with the others'"
                continue
            poses[index] = Pose(
                placement.matrix,
                exposure.gains[n],
                exposure.offsets[n],
                mesh=placement.mesh,
                residual=float(placement.residual),
            )
        return Stabilization(registration.model, cut, region, poses, dropped=dict(sorted(dropped.items())))


def _of_still(registration: Registration, selection: Selection, indices: Sequence[int]) -> Surveyed:
    """What a registration says of frames that are not stabilized."""
    if registration.moves or len(indices) < len(selection.indices):
        return Surveyed(drawn=registration.drawn)
    shifts = {i: p.residual for i, p in zip(indices, registration.placements, strict=True)}
    return Surveyed(shifts=shifts, still_px=registration.still_threshold_px, drawn=registration.drawn)


def _shot(selection: Selection, cuts: Sequence[int], reference: int | None) -> tuple[int, int]:
    """Positions (start, stop) of the shot of a reference frame, or of the longest."""
    edges = [0, *(selection.indices.index(cut) for cut in cuts), len(selection.indices)]
    shots = list(pairwise(edges))
    if reference is not None:
        return next((start, stop) for start, stop in shots if start <= reference < stop)
    return max(shots, key=lambda shot: shot[1] - shot[0])
