"""The stage behind ``rainclean batch``: workers compute, this process alone writes to the store."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from pipeline.batch.intake import Intake, note
from pipeline.batch.result_folder import Result, ResultFolder
from pipeline.batch.tasks import Request, Task, make_tasks
from pipeline.batch.work import Outcome
from pipeline.border import border
from pipeline.project.analysis import Analyzed, note_failure, sweep
from pipeline.project.storage import Project
from pipeline.stages import Progress
from rainclean.errors import RaincleanError, ResourceError

Workers = Callable[[Sequence[Task], Path], Iterator[Outcome | str | None]]
"""Does tasks into a folder of results: `in_processes` or `on_cluster` with its keywords."""


def batch(
    project: Project,
    names: Sequence[str],
    request: Request,
    workers: Workers,
    results: ResultFolder,
    *,
    again: bool = False,
) -> Generator[Progress, None, Analyzed]:
    """Make candidates by several workers. Each sequence is stored when its result is there.

    What `analyze` says of settings, frames and failures holds here, too. Results that a killed call left are stored
    first. Closing the stage ends local workers; those of a cluster finish the clips under way, for the next call.

    Args:
        project: The project.
        names: Sequences, all if empty.
        request: What is asked for.
        workers: Does the work.
        results: Folder between workers and store. What is stored goes from it.
        again: Also sequences that have candidates by these settings.

    Yields:
        How far it has come.

    Returns:
        What became of each sequence.

    Raises:
        RaincleanError: Another process is analysing this project, or no worker can work.
    """
    with project.job("analyze"):
        todo, skipped = make_tasks(project, names, request, again=again)
        taking = _Taking(project, results, Analyzed(skipped=skipped), again=again)
        total = len(todo)
        results.create()
        yield Progress("analyze", 0, total)
        waiting = []
        for task in todo:
            if again:
                results.discard(task)
            elif results.has(task):
                taking.take(task)
                yield Progress("analyze", taking.ended, total)
                continue
            waiting.append(task)
        # The longest clip first: a long one begun last keeps one worker busy while the others have nothing to do.
        waiting.sort(key=_pixels, reverse=True)
        of_key = {task.key: task for task in waiting}
        try:
            with closing(workers(waiting, results.folder)) as outcomes:  # type: ignore[type-var]
                for outcome in outcomes:
                    if isinstance(outcome, Outcome):
                        outcome.hand_on()
                        if outcome.general:
                            raise RaincleanError(outcome.error)
                        taking.end(of_key[outcome.key], outcome.error)
                    said = outcome if isinstance(outcome, str) else ""
                    yield Progress("analyze", taking.ended, total, note=said)
        finally:
            results.remove_if_empty()
        sweep(project)
    return taking.analyzed


def _pixels(task: Task) -> int:
    """Return how many pixels a task reads, at most."""
    first, stop = task.sequence.shot
    frames = min(stop - first, task.request.frames or stop)
    return task.clip.width * task.clip.height * frames


class _Taking:
    """Stores what has ended, and counts."""

    def __init__(self, project: Project, results: ResultFolder, analyzed: Analyzed, *, again: bool) -> None:
        self._project, self._results, self._again = project, results, again
        self._intake = Intake(project)
        self.analyzed = analyzed
        self.ended = 0

    def end(self, task: Task, error: str) -> None:
        """Store a result that is there, or why there is none."""
        if not error:
            self.take(task)
            return
        name = task.sequence.name
        self.analyzed.failed[name] = error
        note_failure(self._project, task.sequence, task.settings, error)
        self.ended += 1

    def take(self, task: Task) -> None:
        """Store a result, and remove it from the folder."""
        name = task.sequence.name
        failed = partial(self.analyzed.failed.__setitem__, name)
        with border(name, failed, through=(ResourceError,)), self._project.explaining():
            result = Result.read(self._results.place(task))
            note(self.analyzed, self._intake.take(result, again=self._again), result)
        # Also one that is damaged, or of frames that were changed meanwhile: it would be in the way.
        self._results.discard(task)
        self.ended += 1
