"""``rainclean evaluate``: score weights on a data set, by named protocols."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import OmitArgPrefixes, Positional, arg

from pipeline.cli.console import follow, print_json, print_note, print_table, print_text
from pipeline.cli.pairing_flags import NO_FLAGS, PairingFlags

if TYPE_CHECKING:
    from pipeline.evaluation import EvaluationReport


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Score weights on the pairs of a data set, next to the unprocessed rainy images.

    PSNR and SSIM follow four named protocols (spanet-skimage, matlab-y, basicsr-y, basicsr-rgb); do not compare numbers
    of different protocols. Writes index.html with the worst images, scores.csv (every image), scenes.csv and
    report.json.
    """

    dataset: Annotated[Positional[Path], arg(metavar="DATASET")]
    """Folder of an export of rainclean, or of another data set."""
    pairing: Annotated[PairingFlags, OmitArgPrefixes] = NO_FLAGS
    output: Annotated[Path, arg(aliases=["-o"], metavar="FOLDER")]
    """Folder to write to; created if missing."""
    weights: Annotated[tuple[Path, ...], arg(aliases=["-w"], metavar="FILE…")] = ()
    """Weights files, from rainclean weights import or train. Default: the weights that come with rainclean."""
    split: Annotated[str | None, arg(metavar="NAME")] = None
    """Split to score: test, val, train, or all where there are no splits. Default: the first of test, val, all."""
    protocols: Annotated[tuple[str, ...], arg(metavar="NAME…")] = ()
    """Protocols to use. Default: all four."""
    gallery: Annotated[int, arg(metavar="N")] = 24
    """Number of images in index.html: those with the lowest PSNR of the first weights."""
    worst_by: Annotated[str | None, arg(metavar="NAME")] = None
    """Protocol that ranks these images. Default: basicsr-rgb."""
    device: Annotated[str, arg(metavar="NAME")] = "auto"
    """cpu, cuda, or auto: cuda where torch can use it."""
    json: bool = False
    """Print report.json instead of a table."""

    def run(self) -> None:
        """Score every pair and write the results."""
        from pipeline.cli.command_line import command_line
        from pipeline.evaluation import EvaluateSettings, evaluate, evaluation_folder, pairs_of, summary_rows
        from pipeline.project.activities import project_of, recorded
        from rainclean.metrics import PROTOCOLS

        settings = EvaluateSettings(
            weights=self.weights,
            split=self.split,
            protocols=self.protocols or tuple(PROTOCOLS),
            gallery=self.gallery,
            worst_by=self.worst_by,
            device=self.device,
            pairing=self.pairing.pairing(),
        )
        with evaluation_folder(self.output, self.dataset) as folder:
            stage = recorded(
                evaluate(self.dataset, settings, folder),
                project_of(self.dataset),
                "evaluation",
                self.output,
                arguments=command_line("evaluate", self),
                summary=_summary,
            )
            report = follow(stage)
        for note in report.notes:
            print_note(f"note: {note}")
        if self.json:
            print_json(report.to_json())
            return
        where = f"{self.dataset}, {report.dataset.split}: {pairs_of(report)}"
        title = f"{where}; mean PSNR in dB / SSIM by protocol"
        print_table(("method", *report.protocols), summary_rows(report), title=title)
        print_text(f"{self.output / 'index.html'} shows the worst images; scores.csv and scenes.csv hold all scores")


def _summary(report: "EvaluationReport") -> dict[str, Any]:
    """Return what a list of evaluations shows: pairs, and mean PSNR by method and protocol."""
    psnr: dict[str, dict[str, float | None]] = {}
    for row in report.summary:
        psnr.setdefault(row.method, {})[row.protocol] = row.psnr_db
    return {"split": report.dataset.split, "pairs": report.dataset.pairs, "psnr_db": psnr}
