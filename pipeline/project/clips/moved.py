"""Clips whose files are not at their place any more: which they are, and where they are now."""

import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.project.clips.clip_files import clips, content_of, locate, relink, trace_of
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.model import Clip
from pipeline.project.storage import Project
from pipeline.stages import Progress
from rainclean.errors import InputError
from rainclean.file_names import is_passed_over
from rainclean.video import SUFFIXES, check_name


@dataclass(frozen=True)
class Missing:
    """A clip that is not at its place.

    Attributes:
        clip: The clip.
        names: Names of its sequences.
        changed: Whether a file is there, with other contents.
    """

    clip: Clip
    names: tuple[str, ...]
    changed: bool


@dataclass(kw_only=True)
class Found:
    """What a search for missing clips brought.

    Attributes:
        asked: Number of clips that were missing.
        found: A line on each clip that was found.
        missing: Paths of those that are still missing.
        different: Paths of files with the name of a missing clip, but with other contents.
    """

    asked: int = 0
    found: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)


def missing(project: Project) -> list[Missing]:
    """Return the clips of sequences in the project whose file is gone or was changed, in the order of the clips."""
    names: dict[int, list[str]] = {}
    for sequence in sequences(project):
        names.setdefault(sequence.clip_id, []).append(sequence.name)
    result = []
    for one in clips(project):
        if one.id not in names:
            continue
        try:
            locate(project, one)
        except InputError:
            result.append(Missing(one, tuple(names[one.id]), one.path.exists()))
    return result


def find(project: Project, places: Sequence[Path]) -> Generator[Progress, None, Found]:
    """Search places for all missing clips, and store where they are now. Contents decide, names do not.

    Args:
        project: The project.
        places: Files, folders of images, and folders that are searched with all below them.

    Yields:
        Progress: clips that were found.

    Returns:
        What was found.

    Raises:
        InputError: A place does not exist.
    """
    wanted = {each.clip.id: each.clip for each in missing(project)}
    result = Found(asked=len(wanted))
    roots = [check_name(place) for place in places]
    for path in (path for root in roots for path in _candidates(root)):
        if not wanted:
            break
        yield Progress("find", result.asked - len(wanted), result.asked)
        try:
            size = trace_of(path)[0]
            alike = [each for each in wanted.values() if each.bytes == size]
            content = content_of(path) if alike else ""
        except InputError:
            continue  # it cannot be read, or is no clip
        same = [each for each in alike if each.content == content]
        for each in same:
            relink(project, each.id, path.resolve())
            del wanted[each.id]
            result.found.append(f"{each.path.name}: found at {path.resolve()}")
        if not same and any(each.path.name == path.name for each in wanted.values()):
            result.different.append(str(path))
    result.missing = [str(each.path) for each in wanted.values()]
    yield Progress("find", len(result.found), result.asked)
    return result


def _candidates(root: Path) -> Iterator[Path]:
    """Yield a file, or all files below a folder and all folders of images, itself included."""
    if root.is_file():
        yield root
        return
    for name, subfolders, files in os.walk(root):
        subfolders[:] = sorted(each for each in subfolders if not is_passed_over(each))
        folder = Path(name)
        if any(Path(each).suffix.lower() in SUFFIXES for each in files):
            yield folder
        yield from (folder / each for each in sorted(files) if not is_passed_over(each))
