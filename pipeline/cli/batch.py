"""``rainclean batch``: candidates for many sequences, by several processes or machines."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from pipeline.cli.analysis_flags import AnalysisFlags
from pipeline.cli.console import follow, print_note
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from pipeline.batch import Workers


@dataclass(frozen=True, kw_only=True)
class Batch(AnalysisFlags):
    """Make candidates as analyze does, for several sequences at a time.

    Each worker analyses one sequence in one thread. Workers are processes of this machine, or with --scheduler those
    of a dask cluster. They write results to a folder, and only this command writes to the project. If the command, a
    worker or the scheduler is killed, the next call continues. A clip that kills its worker twice is listed as failed,
    and the others are analysed.
    """

    memory: Annotated[str | None, arg(metavar="AMOUNT")] = None
    """Memory limit of each worker. Default: as for analyze, but together no more than half of the memory."""
    workers: Annotated[int | None, arg(metavar="N")] = None
    """Processes on this machine. Default: one for each core."""
    scheduler: Annotated[str | None, arg(metavar="ADDRESS")] = None
    """Use the workers of this dask scheduler instead, such as tcp://node1:8786."""
    results: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Folder for results until they are stored; all machines must see it at this path. Default: PROJECT/batch."""

    def run(self) -> None:
        """Analyse several at a time."""
        from pipeline.batch import ResultFolder, batch, in_processes, on_cluster
        from pipeline.clean import available_cores
        from pipeline.project.storage import Project

        if self.workers is not None and self.scheduler is not None:
            raise UsageError("--workers and --scheduler cannot be used together: dask starts the workers of a cluster")
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"--workers {self.workers}: at least 1 is needed")
        if self.scheduler is not None:
            workers: Workers = partial(on_cluster, scheduler=self.scheduler)
        else:
            workers = partial(in_processes, workers=self.workers or available_cores())
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            results = ResultFolder(self.results or project.folder / "batch")
            stage = batch(project, self.sequences, self.request(), workers, results, again=self.again)
            result = follow(stage)
        self.report(result, table=True)
