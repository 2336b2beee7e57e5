"""Delete the pictures of a project that its clips make again."""

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass, field
from functools import partial

from pipeline.border import border
from pipeline.project.analysis.pictures import has_rules, remake, sequence_then
from pipeline.project.analysis.records import analyses, candidates, used_pictures
from pipeline.project.analysis.twins import Distinct
from pipeline.project.clips import clip, content_of, locate, sequences
from pipeline.project.model import Analysis, StoredCandidate
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.stages import Progress, part_of
from rainclean import __version__
from rainclean.errors import InputError, ResourceError


@dataclass(kw_only=True)
class Shrunk:
    """What was deleted, or would be.

    Attributes:
        pictures: Number of pictures of candidates.
        sheets: Number of contact sheets.
        bytes: Bytes of all of them.
        sequences: Names of the sequences that they belong to.
        left: Why nothing of a sequence is deleted, by its name.
        estimate: Nothing was deleted.
    """

    pictures: int = 0
    sheets: int = 0
    bytes: int = 0
    sequences: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    estimate: bool = False


def shrink(
    project: Project, names: Sequence[str], keep: int, *, estimate: bool = False, verify: bool = False
) -> Generator[Progress, None, Shrunk]:
    """Delete pictures of candidates, and contact sheets, where the clip makes the pictures again.

    The pictures of the best candidates that a person can tell apart stay, and those that somebody decided on or edited
    from. Nothing of a sequence is deleted unless its clip has the content that it had, and this rainclean analysed it.
    Before the first deletion the pictures of one sequence are made again: they must be the same, byte for byte.

    Args:
        project: The project.
        names: Sequences, all if empty.
        keep: How many candidates of an analysis keep their pictures.
        estimate: Delete nothing, and say what would be deleted.
        verify: Make the pictures of every sequence again before they are deleted.

    Returns:
        What was deleted, or would be.

    Raises:
        RaincleanError: Another process is analysing this project, or the store is damaged.
    """
    result = Shrunk(estimate=estimate)
    with project.job("analyze"):
        contents: dict[int, str] = {}
        proven = estimate
        chosen = sequences(project, names)
        for done, sequence in enumerate(chosen):
            yield Progress("shrink", done, len(chosen))
            note = partial(result.left.__setitem__, sequence.name)
            with border(sequence.name, note, (ResourceError,)), project.explaining():
                for made in analyses(project, sequence.id):
                    if made.error or made.origin != "analysis":
                        continue
                    dropped = _not_wanted(project, made, keep)
                    if not dropped and not made.sheet:
                        continue
                    _prove(project, sequence, made, contents)
                    if dropped and (verify or not proven):
                        there = [each for each in dropped if project.artefacts.has(each.picture)]
                        yield from part_of(remake(project, made, there), sequence.name, done, len(chosen))
                        proven = True
                    _delete(project, made, dropped, result)
                    if not result.sequences or result.sequences[-1] != sequence.name:
                        result.sequences.append(sequence.name)
    return result


def _not_wanted(project: Project, made: Analysis, keep: int) -> list[StoredCandidate]:
    """Return the candidates whose pictures are on disk but for the best ones that a person can tell apart."""
    used, distinct, dropped = used_pictures(project), Distinct(), []
    for each in candidates(project, made.id):
        if not project.artefacts.path(each.picture).exists():
            continue
        wanted = len(distinct) < keep and distinct.add(each.name, project.artefacts.picture(each.picture)) is None
        if not wanted and each.picture not in used:
            dropped.append(each)
    return dropped


def _prove(project: Project, sequence: ClipSequence, made: Analysis, contents: dict[int, str]) -> None:
    """Raise InputError unless clip and recipe are those that made the pictures. contents: of clips read before."""
    if made.rainclean != __version__ or not has_rules(made):
        why = f"was analysed by rainclean {made.rainclean}, by other rules than this one ({__version__}) has"
        raise InputError(sequence.name, why, "analyse it again first")
    wanted = clip(project, sequence.clip_id)
    if wanted.id not in contents:
        contents[wanted.id] = content_of(locate(project, wanted))
    if contents[wanted.id] != wanted.content:
        raise InputError(wanted.path, "is not the file that was added", "put that one back, or analyse it again")
    sequence_then(project, made)


def _delete(project: Project, made: Analysis, dropped: Collection[StoredCandidate], result: Shrunk) -> None:
    """Delete pictures. First the store says that they are not kept; a decision that came in between keeps its own."""
    artefacts = project.artefacts
    if result.estimate:
        paths = [artefacts.path(name) for name in (*(each.picture for each in dropped), made.sheet) if name]
        result.bytes += sum(path.stat().st_size for path in paths if path.exists())
        result.pictures += len(dropped)
        result.sheets += bool(made.sheet)
        return
    with project.transaction():
        used = used_pictures(project)
        for each in dropped:
            if each.picture not in used:
                project.execute("UPDATE candidate SET kept = 0 WHERE id = ?", each.id)
        project.execute("UPDATE analysis SET sheet = '' WHERE id = ?", made.id)
    with project.transaction():  # nobody else writes meanwhile: what is not kept now is not used
        for each in dropped:
            if not project.value("SELECT EXISTS (SELECT 1 FROM candidate WHERE picture = ? AND kept)", each.picture):
                result.pictures += 1
                result.bytes += artefacts.remove(each.picture)
        if made.sheet and not project.value("SELECT EXISTS (SELECT 1 FROM analysis WHERE sheet = ?)", made.sheet):
            result.sheets += 1
            result.bytes += artefacts.remove(made.sheet)
