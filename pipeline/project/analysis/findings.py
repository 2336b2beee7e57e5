"""What an analysis found beside its candidates, stored and read: stabilization, posterior, moving things, verdict."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipeline.project.model import Analysis, FindingColumns
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Artefacts, Project
from rainclean.errors import InputError
from rainclean.verdict import Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipeline.clean import CleanResult
    from rainclean.moving import Areas, Findings, ForegroundMasks
    from rainclean.rainfree import Posterior
    from rainclean.stabilization import Stabilization

    Mask = NDArray[np.bool_]

COVERED = 0.2
"""Share of a frame that foreground objects cover. From there on another frame is taken where there is a choice."""


@dataclass(frozen=True, kw_only=True)
class MotionSummary:
    """What a person reads of moving things.

    Attributes:
        labels: A line on each kind that was found.
        areas: Share 0…1 of the picture by kind.
        doubtful: Share 0…1 of the picture that is in doubt.
        shares: Share 0…1 of a frame that foreground objects cover, by index in the clip; frames without any are left
            out.
    """

    labels: tuple[str, ...]
    areas: dict[str, float]
    doubtful: float
    shares: dict[int, float]

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return what `to_json` gave."""
        return cls(
            labels=tuple(document.get("words", ())),
            areas=dict(document.get("areas", {})),
            doubtful=document.get("doubtful", 0.0),
            shares={int(frame): share for frame, share in document.get("shares", {}).items()},
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored, and given to programs."""
        shares = {str(frame): share for frame, share in self.shares.items()}
        return {"words": list(self.labels), "areas": self.areas, "doubtful": self.doubtful, "shares": shares}


def keep(artefacts: Artefacts, cleaned: "CleanResult") -> FindingColumns:
    """Store what was found, and return its columns."""
    put = artefacts.put
    verdict, moving = cleaned.verdict, cleaned.moving
    columns = FindingColumns(
        verdict=json.dumps(verdict.to_json(), ensure_ascii=False),
        places="" if verdict.places is None else put(encode_places(verdict.places), ".png"),
        stabilization="" if cleaned.stabilization is None else put(cleaned.stabilization.to_bytes(), ".json"),
    )
    if cleaned.posterior is not None:
        mean, sd = cleaned.posterior.encode()
        columns = replace(columns, posterior_mean=put(mean, ".png"), posterior_sd=put(sd, ".png"))
    return columns if moving is None else _keep_moving(artefacts, moving, cleaned.selection.indices, columns)


def _keep_moving(
    artefacts: Artefacts, moving: "Findings", indices: Sequence[int], columns: FindingColumns
) -> FindingColumns:
    from rainclean.moving import Areas, ForegroundMasks

    areas, foreground = Areas.from_findings(moving), ForegroundMasks.from_findings(moving, indices)
    summary = MotionSummary(
        labels=tuple(moving.labels),
        areas={kind: round(float(mask.mean()), 5) for kind, mask in areas.kinds.items() if mask.any()},
        doubtful=round(float(areas.doubtful.mean()), 5),
        shares={i: round(float(s), 5) for i, s in zip(indices, moving.share, strict=True) if s > 0},
    )
    area_file, foreground_file = areas.encode(), foreground.encode()
    return replace(
        columns,
        areas=artefacts.put(area_file, ".png") if area_file else "",
        passing=artefacts.put(foreground_file, ".bin") if foreground_file else "",
        moving=json.dumps(summary.to_json(), ensure_ascii=False),
    )


def read_stabilization(project: Project, name: str) -> "Stabilization":
    """Return a stored stabilization by its artefact's name.

    Raises:
        InputError: It is missing or damaged.
    """
    return _stabilization(project.artefacts.path(name).parents[1], name)


@lru_cache(maxsize=4)
def _stabilization(folder: Path, name: str) -> "Stabilization":
    """The same file never changes; stepping through frames opens a clip for each."""
    artefacts = Artefacts(folder)
    return decode_stabilization(artefacts.read(name), artefacts.path(name))


def decode_stabilization(data: bytes, path: Path) -> "Stabilization":
    """Return the stabilization that a file's bytes hold.

    Args:
        data: The bytes.
        path: The file, named in errors.

    Raises:
        InputError: The bytes hold none.
    """
    from rainclean.stabilization import Stabilization

    try:
        stabilization = Stabilization.from_json(json.loads(data))
        why = stabilization.misfit()
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        why = " ".join(str(error).split())[:200] or "it is damaged"
    if why:
        raise InputError(path, f"holds no valid stabilization ({why})", "run rainclean analyze --again")
    return stabilization


def read_posterior(project: Project, analysis: Analysis) -> "Posterior | None":
    """Return the posterior of an analysis; None where an older rainclean analysed.

    Raises:
        InputError: A file is missing or damaged.
    """
    if not analysis.posterior_mean:
        return None
    from rainclean.rainfree import Posterior

    mean, sd = (project.artefacts.read(name) for name in (analysis.posterior_mean, analysis.posterior_sd))
    return Posterior.decode(mean, sd, str(project.artefacts.path(analysis.posterior_mean)))


def read_areas(project: Project, analysis: Analysis) -> "Areas | None":
    """Return where things move; None where nothing was found, or nobody looked.

    Raises:
        InputError: The file is missing or damaged.
    """
    if not analysis.areas:
        return None
    from rainclean.moving import Areas

    return Areas.decode(project.artefacts.read(analysis.areas), project.artefacts.path(analysis.areas))


def read_foreground(project: Project, analysis: Analysis) -> "ForegroundMasks | None":
    """Return the foreground objects of each frame; None where there are none, or nobody looked.

    Raises:
        InputError: The file is missing or damaged.
    """
    if not analysis.passing:
        return None
    from rainclean.moving import ForegroundMasks

    return ForegroundMasks.decode(project.artefacts.read(analysis.passing), project.artefacts.path(analysis.passing))


def verdict_of(text: str) -> Verdict | None:
    """Return the verdict that an analysis stores, without its places; None where nobody judged.

    Raises:
        ValueError: The text holds no verdict.
    """
    return Verdict.from_json(json.loads(text)) if text else None


def encode_places(places: "Mask") -> bytes:
    """Return where a verdict's reasons are, (h, w) bool, as an 8-bit grey PNG: 255 there."""
    from rainclean.png import encode_png

    return encode_png(places.view("u1") * 255)


def read_places(project: Project, name: str) -> "Mask":
    """Return the places of a verdict by their artefact's name, (h, w) bool.

    Raises:
        InputError: The file is missing or damaged.
    """
    picture = project.artefacts.picture(name)
    if picture.ndim != 2:
        raise InputError(project.artefacts.path(name), "is not a map of places: it has colours")
    return picture > 127


def motion_summary(analysis: Analysis) -> MotionSummary | None:
    """Return what a person reads of moving things; None where nobody looked."""
    return MotionSummary.from_json(json.loads(analysis.moving)) if analysis.moving else None


def covered_frames(analysis: Analysis) -> frozenset[int]:
    """Return the frames of which foreground objects cover `COVERED` or more, by index in the clip."""
    summary = motion_summary(analysis)
    return frozenset(frame for frame, share in summary.shares.items() if share >= COVERED) if summary else frozenset()


def repeats_of(analysis: Analysis) -> dict[int, int]:
    """Map frames that repeat the one before to the frame that stands for their picture; {} where none was found."""
    if not analysis.repeats:
        return {}
    return {int(again): int(first) for again, first in json.loads(analysis.repeats).items()}


def frames_at_hand(project: Project, sequence: ClipSequence, analysis: Analysis) -> Sequence[int]:
    """Return the frames of a sequence that can be read as the analysis used them, rising.

    Where it stabilized frames, those that can be stabilized. Without repeats, unless the analysis used those, too.
    """
    whole = range(sequence.first, sequence.stop)
    if not analysis.stabilization:
        if not (repeats := repeats_of(analysis)):
            return whole
        from rainclean.video import even

        left = [index for index in whole if index not in repeats]
        return whole if len(left) < 2 or even(repeats, whole) else left
    return [index for index in sorted(read_stabilization(project, analysis.stabilization).poses) if index in whole]
