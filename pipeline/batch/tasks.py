"""Tasks: all that a worker needs to analyse one sequence without the store of its project."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pipeline.clean import CleanSettings, check_settings
from pipeline.project.analysis import lasting, not_analysed
from pipeline.project.clips import clips, is_as_stored, sequences
from pipeline.project.documents import AnalysisSettings
from pipeline.project.model import Clip
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from rainclean import __version__
from rainclean.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for, of each sequence.

    Attributes:
        recipe: Name of a recipe, "released" or "median"; None for the default set.
        frames: Most frames to use.
        memory: Limit for each worker, bytes; None: each worker decides.
        scratch: Folder for scratch space; None: the system's on each machine.
        keep: Number of candidates whose pictures are kept; None: all.
    """

    recipe: str | None = None
    frames: int | None = None
    memory: int | None = None
    scratch: Path | None = None
    keep: int | None = None

    def settings(self, *, workers: int, memory: int | None = None) -> CleanSettings:
        """Return the settings on this machine.

        Args:
            workers: Threads.
            memory: Limit where the request has none, bytes; None: that of `clean`.
        """
        limit = next((each for each in (self.memory, memory) if each is not None), None)
        own = CleanSettings(recipe=self.recipe, frames=self.frames, workers=workers)
        own = own if limit is None else replace(own, memory=limit)
        return own if self.scratch is None else replace(own, scratch=self.scratch)

    def lasting(self) -> AnalysisSettings:
        """Return what of it decides on the candidates.

        Raises:
            UsageError: There is no such recipe.
        """
        settings = self.settings(workers=1)
        check_settings(settings)
        return lasting(settings)


@dataclass(frozen=True, kw_only=True)
class Task:
    """One sequence to analyse.

    Attributes:
        project: UUID of the project.
        folder: Of the project, absolute; relative places of clips begin there.
        settings: What decides on the candidates, as the command that made the task has it.
        rainclean: Version of that command.
    """

    project: str
    folder: Path
    clip: Clip
    sequence: ClipSequence
    request: Request
    settings: AnalysisSettings
    rainclean: str = __version__

    @cached_property
    def key(self) -> str:
        """32 hexadecimal digits over all that decides on the result: content of the clip, frames, recipe, version."""
        clip, sequence = self.clip, self.sequence
        parts = (
            self.project, clip.content, clip.salvage, clip.matrix, is_as_stored(clip), sequence.shot,
            sequence.chosen.columns(), self.settings.document, self.rainclean,
        )  # fmt: skip
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


class Shard(NamedTuple):
    """One part of several: number 1…of."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Return the shard of ``3/64``.

        Raises:
            UsageError: The text is something else.
        """
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise UsageError(f"--shard {text}: give a number and how many there are, such as 3/64 (1/64 is the first)")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


class Tasks(NamedTuple):
    """What is to be done.

    Attributes:
        todo: A task for each sequence to analyse, in the order in which they were added.
        skipped: Names of sequences that have candidates by these settings.
    """

    todo: list[Task]
    skipped: list[str]


def make_tasks(
    project: Project, names: Sequence[str], request: Request, *, again: bool = False, shard: Shard | None = None
) -> Tasks:
    """Return a task for each sequence that has no candidates by these settings. Only reads the project.

    Shards partition the sequences by content: sorted by checksum of the clip and first frame, sequence i is in shard
    i mod N. Which ones are analysed already makes no difference to that.

    Args:
        project: The project.
        names: Sequences, all if empty.
        request: What is asked for.
        again: Also those that have candidates by these settings.
        shard: Only this part of them.

    Raises:
        UsageError: There is no such recipe.
        InputError: The project does not have a name.
    """
    settings = request.lasting()
    with project.snapshot():
        uuid = project.uuid
        of_id = {clip.id: clip for clip in clips(project)}
        chosen = sequences(project, names)
        if shard is not None:
            by_content = sorted(chosen, key=lambda s: (of_id[s.clip_id].content, s.shot))
            chosen = sorted(by_content[shard.number - 1 :: shard.of], key=lambda s: s.id)
        todo = chosen if again else not_analysed(project, chosen, settings)
    left = {s.id for s in todo}
    tasks = [
        Task(
            project=uuid, folder=project.folder, clip=of_id[s.clip_id], sequence=s, request=request, settings=settings
        )
        for s in todo
    ]  # fmt: skip
    return Tasks(tasks, [s.name for s in chosen if s.id not in left])
