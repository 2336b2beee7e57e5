"""Keep and read what an analysis found beside its candidates: stabilization, posterior, moving things, verdict."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.project.analysis.records import FOUND
from pipeline.project.model import Analysis
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Artefacts, Project
from rainclean.errors import InputError
from rainclean.verdict import Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipeline.clean import CleanResult
    from rainclean.moving import Areas, Findings, Passing
    from rainclean.rainfree import Posterior
    from rainclean.stabilization import Stabilization

    Mask = NDArray[np.bool_]

COVERED = 0.2
"""Share of a frame that passing things cover from which on another one is taken where there is a choice."""


def keep(project: Project, cleaned: "CleanResult") -> dict[str, str]:
    """Keep what was found; returns the columns `records.FOUND`, "" for what was not looked for."""
    put = project.artefacts.put
    columns = dict.fromkeys(FOUND, "")
    columns["verdict"] = json.dumps(cleaned.verdict.to_json(), ensure_ascii=False)
    if cleaned.verdict.places is not None:
        columns["places"] = put(encode_places(cleaned.verdict.places), ".png")
    if cleaned.stabilization is not None:
        columns["stabilization"] = put(cleaned.stabilization.to_bytes(), ".json")
    if cleaned.posterior is not None:
        mean, sd = cleaned.posterior.encode()
        columns["posterior_mean"], columns["posterior_sd"] = put(mean, ".png"), put(sd, ".png")
    if cleaned.moving is not None:
        columns |= _keep_moving(project.artefacts, cleaned.moving, cleaned.selection.indices)
    return columns


def _keep_moving(artefacts: Artefacts, found: "Findings", indices: Sequence[int]) -> dict[str, str]:
    from rainclean.moving import Areas, Passing

    areas, passing = Areas.of(found), Passing.of(found, indices)
    told = {
        "words": found.words,
        "areas": {kind: round(float(mask.mean()), 5) for kind, mask in areas.kinds.items() if mask.any()},
        "doubtful": round(float(areas.doubtful.mean()), 5),
        "shares": {str(i): round(float(s), 5) for i, s in zip(indices, found.share, strict=True) if s > 0},
    }
    files = ("areas", areas.encode(), ".png"), ("passing", passing.encode(), ".bin")
    columns = {name: artefacts.put(data, suffix) if data else "" for name, data, suffix in files}
    return {**columns, "moving": json.dumps(told, ensure_ascii=False)}


def read_stabilization(project: Project, name: str) -> "Stabilization":
    """A kept stabilization by its artefact's name. Raises InputError where it is missing or damaged."""
    return _stabilization(project.artefacts.path(name).parents[1], name)


@lru_cache(maxsize=4)
def _stabilization(folder: Path, name: str) -> "Stabilization":
    """The same file never changes; stepping through frames opens a clip for each."""
    artefacts = Artefacts(folder)
    return decode_stabilization(artefacts.read(name), artefacts.path(name))


def decode_stabilization(data: bytes, path: Path) -> "Stabilization":
    """The stabilization of a file's bytes. Raises InputError for what is none."""
    from rainclean.stabilization import Stabilization

    try:
        stabilization = Stabilization.from_json(json.loads(data))
        why = stabilization.misfit()
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        why = " ".join(str(error).split())[:200] or "it is damaged"
    if why:
        raise InputError(path, f"holds no stabilization ({why})", "run rainclean analyze --again")
    return stabilization


def read_posterior(project: Project, analysis: Analysis) -> "Posterior | None":
    """What is believed of the truth; None where an older rainclean analysed. Raises InputError for damaged files."""
    if not analysis.posterior_mean:
        return None
    from rainclean.rainfree import Posterior

    mean, sd = (project.artefacts.read(name) for name in (analysis.posterior_mean, analysis.posterior_sd))
    return Posterior.decode(mean, sd, str(project.artefacts.path(analysis.posterior_mean)))


def read_areas(project: Project, analysis: Analysis) -> "Areas | None":
    """Where things move; None where nothing was found, or nobody looked. Raises InputError for a damaged file."""
    if not analysis.areas:
        return None
    from rainclean.moving import Areas

    return Areas.decode(project.artefacts.read(analysis.areas), project.artefacts.path(analysis.areas))


def read_passing(project: Project, analysis: Analysis) -> "Passing | None":
    """What passes in which frame; None where nothing does, or nobody looked. Raises InputError for a damaged file."""
    if not analysis.passing:
        return None
    from rainclean.moving import Passing

    return Passing.decode(project.artefacts.read(analysis.passing), project.artefacts.path(analysis.passing))


def verdict_of(text: str) -> Verdict | None:
    """A verdict as an analysis keeps it, without its places; None where nobody judged. Raises ValueError."""
    return Verdict.from_json(json.loads(text)) if text else None


def encode_places(places: "Mask") -> bytes:
    """Where a verdict's reasons are, (h, w) bool, as an 8-bit grey PNG: 255 there."""
    from rainclean.png import encode_png

    return encode_png(places.view("u1") * 255)


def read_places(project: Project, name: str) -> "Mask":
    """The places of a verdict by their artefact's name, (h, w) bool. Raises InputError where it is damaged."""
    picture = project.artefacts.picture(name)
    if picture.ndim != 2:
        raise InputError(project.artefacts.path(name), "is no picture of places: it has colours")
    return picture > 127


def told(analysis: Analysis) -> dict[str, Any]:
    """What is to be read of moving things: words, areas, doubtful, shares; {} where nobody looked."""
    return dict(json.loads(analysis.moving)) if analysis.moving else {}


def covered_frames(analysis: Analysis) -> frozenset[int]:
    """Frames of which passing things cover `COVERED` or more, by index in the clip."""
    return frozenset(int(frame) for frame, share in told(analysis).get("shares", {}).items() if share >= COVERED)


def repeats_of(analysis: Analysis) -> dict[int, int]:
    """Frames that repeat the one before → the frame that stands for their picture; {} where none was found."""
    if not analysis.repeats:
        return {}
    return {int(again): int(first) for again, first in json.loads(analysis.repeats).items()}


def frames_at_hand(project: Project, sequence: ClipSequence, analysis: Analysis) -> Sequence[int]:
    """Frames of a sequence that can be had as the analysis used them, rising: stabilized, those that can be.

    Without repeats, unless the analysis used those, too.
    """
    whole = range(sequence.first, sequence.stop)
    if not analysis.stabilization:
        if not (repeats := repeats_of(analysis)):
            return whole
        from rainclean.video import even

        left = [index for index in whole if index not in repeats]
        return whole if len(left) < 2 or even(repeats, whole) else left
    return [index for index in sorted(read_stabilization(project, analysis.stabilization).poses) if index in whole]
