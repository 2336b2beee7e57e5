"""Pictures of candidates: read where they are kept, made again from clip and recipe where they are not.

A picture is named by the SHA-256 of its file. So one that was made again is the very same, or it is refused.
"""

from collections.abc import Collection, Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.project.analysis.records import USED, analysis
from pipeline.project.clips import sequences
from pipeline.project.model import Analysis, StoredCandidate
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project, name_of
from pipeline.stages import Progress, finish
from pipeline.text_format import few, quoted
from rainclean import __version__
from rainclean.errors import InputError, UsageError
from rainclean.png import decode_png

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    U8 = NDArray[np.uint8]


def read_picture(project: Project, name: str) -> "U8":
    """Return one picture, as `read_pictures`, without progress."""
    return finish(read_pictures(project, [name]))[name]


def read_pictures(project: Project, names: Collection[str]) -> Generator[Progress, None, dict[str, "U8"]]:
    """Read pictures of candidates. Those that are not on disk are made again; of one analysis, all in one pass.

    What was made again stays on disk until others need the room, or for good once a person works with it.

    Args:
        project: The project.
        names: Artefacts of the pictures.

    Yields:
        How far making them has come; nothing where all are on disk.

    Returns:
        Pictures by name, (H, W, 3) uint8 RGB.

    Raises:
        InputError: A picture is missing and cannot be made again, or is damaged.
    """
    absent = [name for name in dict.fromkeys(names) if not project.artefacts.has(name)]
    remade: dict[str, bytes] = {}
    for made, candidates in _analyses_of(project, absent):
        remade |= yield from remake(project, made, candidates)
    for name, data in remade.items():
        if project.read_only or not _is_used(project, name):
            project.artefacts.put_for_now(data, ".png")
        else:
            project.artefacts.put(data, ".png")
            with project.transaction():
                project.execute("UPDATE candidate SET kept = 1 WHERE picture = ?", name)
    pictures = {}
    for name in dict.fromkeys(names):
        own = remade.get(name)
        pictures[name] = (
            project.artefacts.picture(name) if own is None else decode_png(own, project.artefacts.path(name))
        )
    return pictures


def remake(
    project: Project, made: Analysis, candidates: Sequence[StoredCandidate]
) -> Generator[Progress, None, dict[str, bytes]]:
    """Make pictures of one analysis again, in one pass over its clip. Nothing is stored.

    Args:
        project: The project.
        made: The analysis.
        candidates: Some of its candidates.

    Returns:
        PNG files by the names of the artefacts, with the bytes that these names stand for.

    Raises:
        InputError: The clip is missing or was changed, or this rainclean or computer makes other pictures.
    """
    # Not above: they load numba, and the window begins without it.
    from pipeline.clean import CleanSettings
    from pipeline.project.analysis.compute import make_again
    from pipeline.project.analysis.frames import whole_sequence

    sequence = sequence_then(project, made)
    settings = CleanSettings(recipe=made.settings.recipe, frames=made.settings.document.get("frames"))
    if not has_rules(made):
        raise InputError(
            sequence.name,
            f"{_not_kept(candidates)}, and cannot be made again: rainclean {made.rainclean} analysed the sequence by "
            f"other rules than this one ({__version__})",
            _advice(project, sequence),
        )
    names = {each.name for each in candidates}
    yield Progress("make again", 0, None)
    try:
        with whole_sequence(project, sequence) as source:
            files = yield from make_again(source, sequence, settings, names)
    except InputError as error:
        reason = f"{error.reason}; {_not_kept(candidates)} and is made again from the clip"
        raise InputError(error.path, reason, error.advice) from error
    result = {name_of(data, ".png"): data for data in files.values()}
    if other := [each for each in candidates if each.picture not in result]:
        raise InputError(
            sequence.name,
            f"{_not_kept(other)}, and was made again with other pixels: another computer or other versions of "
            "libraries analysed the sequence",
            _advice(project, sequence),
        )
    return {each.picture: result[each.picture] for each in candidates}


def has_rules(made: Analysis) -> bool:
    """Return whether this rainclean has the rules by which an analysis was made."""
    from pipeline.clean import CleanSettings
    from pipeline.project.analysis.compute import lasting

    frames = made.settings.document.get("frames")
    try:
        return lasting(CleanSettings(recipe=made.settings.recipe, frames=frames)) == made.settings
    except UsageError:  # a recipe of another rainclean, or of a plug-in
        return False


def sequence_then(project: Project, made: Analysis) -> ClipSequence:
    """Return the sequence of an analysis with the frames and the region that it had when it was analysed."""
    name = project.value("SELECT name FROM sequence WHERE id = ?", made.sequence_id)
    (sequence,) = sequences(project, [name], which="all")
    first, stop = sequence.shot
    then = made.chosen
    return replace(
        sequence,
        first=first if then.first is None else then.first,
        stop=stop if then.stop is None else then.stop,
        region=then.region,
    )


def _analyses_of(project: Project, names: Collection[str]) -> list[tuple[Analysis, list[StoredCandidate]]]:
    """Return the analyses that made these pictures, the latest first, with the candidates that have them."""
    candidates: dict[int, list[StoredCandidate]] = {}
    for name in names:
        rows = project.rows(
            "SELECT candidate.* FROM candidate JOIN analysis ON analysis_id = analysis.id "
            "WHERE picture = ? AND origin = 'analysis' ORDER BY analysis_id DESC", name,
        )  # fmt: skip
        for row in rows[:1]:
            candidates.setdefault(row["analysis_id"], []).append(StoredCandidate.from_row(row))
    return [(analysis(project, number), candidates[number]) for number in candidates]


def _is_used(project: Project, picture: str) -> bool:
    """Return whether a person decided on a candidate with this picture, or edited from it."""
    return bool(project.value(
        f"SELECT EXISTS (SELECT 1 FROM candidate WHERE picture = ? AND id IN ({USED}))", picture
    ))  # fmt: skip


def _not_kept(candidates: Sequence[StoredCandidate]) -> str:
    names = [each.name for each in candidates]
    return f"the picture of {names[0]} is not kept" if len(names) == 1 else f"the pictures of {few(names)} are not kept"


def _advice(project: Project, sequence: ClipSequence) -> str:
    return f"analyse it again: rainclean analyze {quoted(project.folder)} {sequence.name} --again"
