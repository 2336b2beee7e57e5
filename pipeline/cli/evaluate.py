"""``rainclean evaluate``: what weights are worth on a data set, by named protocols."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipeline.cli.console import follow, print_json, print_note, print_table, print_text


@dataclass(frozen=True)
class Evaluate:
    """Measure weights on the pairs of a data set, beside the rainy pictures as they are.

    PSNR and SSIM by four named protocols (spanet-skimage, matlab-y, basicsr-y, basicsr-rgb); numbers of two of
    them do not compare. Writes index.html with the worst pictures, scores.csv (every picture), scenes.csv and
    report.json.
    """

    dataset: Annotated[Positional[Path], arg(metavar="DATASET")]
    """Export of rainclean, or another data set in one of its layouts."""
    output: Annotated[Path, arg(aliases=["-o"], metavar="FOLDER")]
    """Folder to write to; made if it is not there."""
    weights: Annotated[tuple[Path, ...], arg(aliases=["-w"], metavar="FILE…")] = ()
    """Weights files, of rainclean weights import or train. Default: those that come with rainclean."""
    split: Annotated[str | None, arg(metavar="NAME")] = None
    """Which pairs: test, val or train. Default: test, or val where there is no test."""
    protocols: Annotated[tuple[str, ...], arg(metavar="NAME…")] = ()
    """Only these protocols. Default: all four."""
    gallery: Annotated[int, arg(metavar="N")] = 24
    """So many pictures in index.html, those where the first weights have the lowest PSNR."""
    worst_by: Annotated[str | None, arg(metavar="NAME")] = None
    """Protocol of that PSNR. Default: basicsr-rgb."""
    device: Annotated[str, arg(metavar="NAME")] = "auto"
    """cpu, cuda, or auto: cuda where torch can use it."""
    json: bool = False
    """Print report.json instead of a table."""

    def run(self) -> None:
        """Score every pair and write what came out."""
        from pipeline.evaluation import EvaluateSettings, evaluate, evaluation_folder, pairs_of, summary_rows
        from rainclean.metrics import PROTOCOLS

        settings = EvaluateSettings(
            self.weights, self.split, self.protocols or tuple(PROTOCOLS), self.gallery, self.worst_by, self.device
        )
        with evaluation_folder(self.output, self.dataset) as folder:
            report = follow(evaluate(self.dataset, settings, folder))
        for note in report["notes"]:
            print_note(f"note: {note}")
        if self.json:
            print_json(report)
            return
        where = f"{self.dataset}, {report['dataset']['split']}: {pairs_of(report)}"
        title = f"{where}; mean PSNR in dB / SSIM by protocol"
        print_table(("method", *report["protocols"]), summary_rows(report), title=title)
        print_text(f"{self.output / 'index.html'} to look at, scores.csv and scenes.csv beside it to compute with")
