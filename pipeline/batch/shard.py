"""The stage behind ``rainclean analyze --shard``: a part of the sequences, into a folder instead of the store."""

from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path

from pipeline.batch.result_folder import Result, ResultFolder
from pipeline.batch.tasks import Request, Shard, make_tasks
from pipeline.batch.work import compute_into
from pipeline.border import border
from pipeline.clean import available_cores
from pipeline.project.analysis import Analyzed
from pipeline.project.storage import Project
from pipeline.stages import Progress, part_of


def analyze_shard(
    project: Path, names: Sequence[str], request: Request, shard: Shard, folder: Path, *, again: bool = False
) -> Generator[Progress, None, Analyzed]:
    """Make the candidates of a shard's sequences, one after the other, as results in a folder.

    The project is only read, for a moment at the beginning. Sequences whose result is in the folder are skipped.

    Args:
        project: Folder of the project.
        names: Sequences, all if empty.
        request: What is asked for.
        shard: Which part of them.
        folder: Takes the results; several shards may have the same one.
        again: Also sequences that have candidates by these settings, in the project or in the folder.

    Yields:
        How far it has come.

    Returns:
        What became of each sequence.
    """
    with Project.again(project) as opened:
        todo, skipped = make_tasks(opened, names, request, again=again, shard=shard)
    results = ResultFolder(folder)
    results.create()
    result = Analyzed(skipped=skipped)
    for done, task in enumerate(todo):
        name = task.sequence.name
        if again:
            results.discard(task)
        elif results.has(task):
            result.skipped.append(name)
            continue
        with border(name, partial(result.failed.__setitem__, name)):
            stage = compute_into(results, task, workers=available_cores())
            yield from part_of(stage, name, done, len(todo))
            result.add(name, Result.read(results.place(task)).row)
        if name in result.failed:
            results.fail(task, result.failed[name])
    return result
