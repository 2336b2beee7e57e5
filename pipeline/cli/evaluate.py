"""``rainclean evaluate``: score derainers on a data set, by named protocols."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import OmitArgPrefixes, Positional, arg

from pipeline.cli.console import follow, print_json, print_note, print_table, print_text
from pipeline.cli.pairing_flags import NO_FLAGS, PairingFlags

if TYPE_CHECKING:
    from pipeline.evaluation import EvaluationReport


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Score weights and other derainers on the pairs of a data set, next to the unprocessed rainy images.

    PSNR and SSIM follow four named protocols (spanet-skimage, matlab-y, basicsr-y, basicsr-rgb); do not compare numbers
    of different protocols. Means have bootstrap intervals, and methods are compared by signed-rank tests, over scenes
    where these are named. Writes index.html with the worst images, scores.csv (every image), scenes.csv, by_rain.csv,
    comparisons.csv, tables for LaTeX and Markdown, and report.json.
    """

    dataset: Annotated[Positional[Path], arg(metavar="DATASET")]
    """Folder of an export of rainclean, or of another data set."""
    pairing: Annotated[PairingFlags, OmitArgPrefixes] = NO_FLAGS
    output: Annotated[Path, arg(aliases=["-o"], metavar="FOLDER")]
    """Folder to write to; created if missing."""
    weights: Annotated[tuple[Path, ...], arg(aliases=["-w"], metavar="FILE…")] = ()
    """Weights files, from rainclean weights import or train, or folders of runs. Default: the weights that come with
    rainclean, if nothing else is scored."""
    outputs: Annotated[tuple[str, ...], arg(metavar="[NAME=]FOLDER…")] = ()
    """Folders with the output of other derainers: one image for each pair, named like its rainy image, in sub-folders
    or not."""
    onnx: Annotated[tuple[str, ...], arg(metavar="[NAME=]FILE…")] = ()
    """ONNX models that map a float image (1, 3, H, W), RGB in 0…1, to one of that shape. Needs onnxruntime."""
    torchscript: Annotated[tuple[str, ...], arg(metavar="[NAME=]FILE…")] = ()
    """TorchScript files that do the same."""
    method: Annotated[tuple[str, ...], arg(metavar="KIND:[NAME=]PATH…")] = ()
    """Derainers of kinds that were added (see Extending rainclean)."""
    pad_to: Annotated[int, arg(metavar="N")] = 1
    """Mirror images for ONNX and TorchScript to sides that are multiples of this number; the output is cut again."""
    network: Annotated[tuple[str, ...], arg(metavar="MODULE:FACTORY…")] = ()
    """Networks that the weights belong to, if they are not of SPANet; their code is run."""
    accept_changed_network: bool = False
    """Use a network although its source has changed since the training."""
    masks: bool = False
    """Also score by variants of the protocols that use the exclusion masks (NAME-masked) and the confidence images
    (NAME-weighted) of the data set."""
    split: Annotated[str | None, arg(metavar="NAME")] = None
    """Split to score: test, val, train, or all where there are no splits. Default: the first of test, val, all."""
    protocols: Annotated[tuple[str, ...], arg(metavar="NAME…")] = ()
    """Protocols to use. Default: all four."""
    gallery: Annotated[int, arg(metavar="N")] = 24
    """Number of images in index.html: those with the lowest PSNR of the first method."""
    worst_by: Annotated[str | None, arg(metavar="NAME")] = None
    """Protocol that ranks these images. Default: basicsr-rgb."""
    device: Annotated[str, arg(metavar="NAME")] = "auto"
    """cpu, cuda, or auto: cuda where torch can use it."""
    json: bool = False
    """Print report.json instead of a table."""

    def run(self) -> None:
        """Score every pair and write the results."""
        from pipeline.cli.command_line import command_line
        from pipeline.derainers import choose
        from pipeline.evaluation import EvaluateSettings, evaluate, evaluation_folder, pairs_of, summary_rows
        from pipeline.project.activities import project_of, recorded
        from rainclean.metrics import PROTOCOLS

        settings = EvaluateSettings(
            weights=self.weights,
            methods=tuple(choose(kind, text) for kind, texts in self._methods().items() for text in texts),
            networks=self.network,
            accept_changed=self.accept_changed_network,
            pad_to=self.pad_to,
            masks=self.masks,
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
                arguments=command_line("evaluate", self._absolute()),
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
        _print_comparisons(report)
        print_text(f"{self.output / 'index.html'} shows the worst images; scores.csv and scenes.csv hold all scores")

    def _absolute(self) -> "Evaluate":
        """Return the same with the whole paths of what is scored."""
        from pipeline.derainers import choose
        from pipeline.training import absolute_factory

        def whole(kind: str, texts: tuple[str, ...]) -> tuple[str, ...]:
            found = [choose(kind, text) for text in texts]
            names = [
                f"{each.name}={each.path.absolute()}" if each.name else str(each.path.absolute()) for each in found
            ]
            return tuple(n if kind else f"{each.kind}:{n}" for n, each in zip(names, found, strict=True))

        return replace(
            self,
            outputs=whole("outputs", self.outputs),
            onnx=whole("onnx", self.onnx),
            torchscript=whole("torchscript", self.torchscript),
            method=whole("", self.method),
            network=tuple(map(absolute_factory, self.network)),
        )

    def _methods(self) -> dict[str, tuple[str, ...]]:
        """Return what was typed for each kind of derainers; "" where the text begins with the kind."""
        return {"outputs": self.outputs, "onnx": self.onnx, "torchscript": self.torchscript, "": self.method}


def _print_comparisons(report: "EvaluationReport") -> None:
    """Print the PSNR of the ranking protocol with intervals, and how far methods differ."""
    from pipeline.evaluation import comparison_cells, with_interval

    protocol, unit = report.worst.protocol, report.statistics.unit
    rows = [
        (row.method, with_interval(row.psnr_db, row.psnr_low, row.psnr_high, 2))
        for row in report.summary
        if row.protocol == protocol
    ]
    level = f"{100 * report.statistics.level:g} %"
    print_table(("method", f"PSNR, {level} interval"), rows, title=f"{protocol}; intervals over {unit}s")
    compared = [row for row in report.comparisons if (row.protocol, row.measure) == (protocol, "psnr_db")]
    head = ("methods", "difference (dB)", "p (Holm)", "effect", f"{unit}s")
    lines = []
    for row in compared:
        _, _, first, second, *cells = comparison_cells(row)
        lines.append((f"{first} − {second}", *cells))
    print_table(head, lines)


def _summary(report: "EvaluationReport") -> dict[str, Any]:
    """Return what a list of evaluations shows: pairs, and mean PSNR by method and protocol."""
    psnr: dict[str, dict[str, float | None]] = {}
    for row in report.summary:
        psnr.setdefault(row.method, {})[row.protocol] = row.psnr_db
    return {"split": report.dataset.split, "pairs": report.dataset.pairs, "psnr_db": psnr}
