"""``rainclean analyze``: candidates for the sequences of a project."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from pipeline.cli.analysis_flags import AnalysisFlags
from pipeline.cli.console import follow, print_note, print_text
from pipeline.text_format import quoted
from rainclean.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Analyze(AnalysisFlags):
    """Make candidates for each sequence of a project that has none with these settings.

    Candidates made with other settings stay. Each sequence is stored when it is done. If the command is interrupted or
    killed, the next call continues. One sequence is analysed at a time, with all cores; rainclean batch analyses
    several. With --shard and --output, a job of a job array analyses its part into a folder. rainclean project import
    takes these results into the project.
    """

    shard: Annotated[str | None, arg(metavar="K/N")] = None
    """Analyse only part K of N, such as 3/64, and leave the project unchanged."""
    output: Annotated[Path | None, arg(aliases=["-o"], metavar="FOLDER")] = None
    """Folder for the results of --shard; several shards may use the same one."""

    def run(self) -> None:
        """Analyse one after the other."""
        from rainclean.allocator import share_heaps

        if (self.shard is None) != (self.output is None):
            raise UsageError("--shard and --output are given together: --shard 3/64 --output FOLDER")
        share_heaps()
        if self.output is None:
            self._into_project()
        else:
            self._into_folder(self.shard or "", self.output)

    def _into_project(self) -> None:
        from pipeline.clean import available_cores
        from pipeline.project.analysis import analyze
        from pipeline.project.storage import Project

        request = self.request()
        settings = request.settings(workers=available_cores())
        with Project(self.project) as project:
            for note in project.notes:
                print_note(f"note: {note}")
            result = follow(analyze(project, self.sequences, settings, again=self.again, keep=request.keep))
        self.report(result)

    def _into_folder(self, shard: str, folder: Path) -> None:
        from pipeline.batch import Shard, analyze_shard

        part = Shard.parse(shard)
        stage = analyze_shard(self.project, self.sequences, self.request(), part, folder, again=self.again)
        result = follow(stage)
        if not self.json and result.done:
            print_text(f"next: rainclean project import {quoted(self.project)} {quoted(folder)}")
        self.report(result, where=f" into {folder} (shard {part})")
