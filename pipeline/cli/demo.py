"""``rainclean demo``: the main job on the shipped samples, compared with the ground truth."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from pipeline.cli.console import follow, print_json, print_table, print_text
from pipeline.text_format import counted


@dataclass(frozen=True)
class Demo:
    """Turn the four shipped samples into a checked data set, train SPANet briefly, and compare with the ground truth.

    The samples are photographs with simulated rain. The demo makes a project, analyses the clips, chooses
    automatically, exports and checks. If SPANet is installed (pip install 'rainclean[spanet]'), it then trains for two
    minutes and evaluates. It prints tables of the results and writes an HTML report.
    """

    output: Annotated[Path, arg(aliases=["-o"], metavar="FOLDER")] = Path("demo-output")
    """Folder to write to."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        """Run everything and print the results."""
        from pipeline.demo import COLUMNS, PROTOCOL, cells, demo
        from pipeline.evaluation import summary_rows
        from rainclean.errors import RaincleanError

        result = follow(demo(self.output))
        if self.json:
            exported = {**asdict(result.exported), "folder": str(result.dataset)}
            print_json(
                {
                    "clips": [asdict(row) for row in result.rows],
                    "exported": exported,
                    "problems": result.problems,
                    "evaluation": result.learnt and result.learnt.report.to_json(),
                    "report": str(result.report),
                }
            )
        else:
            title = f"PSNR in dB against the ground truth ({PROTOCOL}); η* and number of frames of the automatic choice"
            print_table(COLUMNS, [cells(row) for row in result.rows], title=title)
            pairs = ", ".join(f"{split} {counted(n, 'pair')}" for split, n in result.exported.pairs.items())
            print_text(f"data set: {result.dataset} ({pairs})")
            if result.learnt is not None:
                report = result.learnt.report
                title = "SPANet on the test pairs: run is trained on this data set; mean PSNR in dB / SSIM by protocol"
                print_text("")
                print_table(("method", *report.protocols), summary_rows(report), title=title)
            print_text(f"report: {result.report}")
        if result.problems:
            raise RaincleanError(f"{result.dataset}: {result.problems[0]}")
