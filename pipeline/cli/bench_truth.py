"""``rainclean bench truth``: clean images against the ground truth of simulated clips."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from pipeline.cli.console import follow, print_json, print_table, print_text
from pipeline.cli.values import clip_size
from pipeline.text_format import counted
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from pipeline.bench.truth import CaseMeans, Measured, Threshold, VerdictCounts


@dataclass(frozen=True, kw_only=True)
class BenchTruth:
    """Measure clean images on simulated clips whose ground truth is known.

    Compares the first candidate, which clean puts first, with the released rule, the median, the closest candidate, and
    the upper bound. The closest candidate has the highest PSNR. The upper bound is the mean of all values without rain
    and foreground objects. PSNR and SSIM follow protocol basicsr-rgb. They cover the region that the first candidate
    shows; for films, the part of it that is not excluded and has a ground truth. Verdicts are compared with the ground
    truth, too. The default is 58 clips and takes many minutes; --cases chooses fewer.
    """

    cases: Annotated[tuple[str, ...], arg(metavar="NAME")] = ()
    """Presets of simulate, or ladder (all over flat images), or films (the others). Default: all but clear."""
    backgrounds: Annotated[tuple[str, ...], arg(metavar="IMAGE")] = ("table", "cat")
    """Background images: files, or the shipped samples table, cat and launch."""
    seeds: Annotated[tuple[str, ...], arg(metavar="N")] = ("0",)
    """Seeds of the rain; each one makes a clip for every case and background."""
    frames: Annotated[int, arg(metavar="N")] = 80
    """Frames in each clip; films have their own number."""
    size: Annotated[str, arg(metavar="WxH")] = "352x240"
    """Frame size in pixels; both sides must be even."""
    crfs: Annotated[tuple[str, ...], arg(metavar="0…51")] = ("18", "23", "28")
    """Constant rate factors of the case named codec, separated by spaces or commas."""
    methods: Annotated[tuple[str, ...], arg(metavar="RULE")] = ()
    """Estimators to measure as well: local, rainfree, near, or one that was added. Default: all that were added."""
    save: Annotated[Path | None, arg(aliases=["-o"], metavar="FOLDER")] = None
    """Write images to this folder: rainy frame, released rule, first candidate, ground truth, errors times 8."""
    plot: Annotated[Path | None, arg(metavar="FILE.png")] = None
    """Plot PSNR by case, and the reliability of expected errors."""
    json: bool = False
    """Print JSON instead of tables."""

    def run(self) -> None:
        """Measure and print."""
        width, height, frames = clip_size(f"{self.size}x{self.frames}", "--size and --frames")
        if self.plot is not None and (self.plot.suffix.lower() != ".png" or not self.plot.absolute().parent.is_dir()):
            raise UsageError(f"--plot {self.plot}: give a .png in an existing folder")
        seeds, crfs = _numbers(self.seeds, "--seeds"), _numbers(self.crfs, "--crfs")

        from pipeline.bench.truth import (
            CaseClip,
            backgrounds,
            bench_truth,
            by_case,
            cases,
            check_thresholds,
            means,
            measured_estimators,
            pictures_folder,
            verdicts,
        )

        methods = [each.rule for each in measured_estimators(_words(self.methods))]
        chosen = cases(_words(self.cases), crfs)
        pictures = backgrounds(self.backgrounds)
        case_clips = [CaseClip(case, picture, seed) for case in chosen for picture in pictures for seed in seeds]
        if self.save is None:
            clips = follow(bench_truth(case_clips, frames, (width, height), methods=methods))
        else:
            with pictures_folder(self.save, case_clips) as folder:
                clips = follow(bench_truth(case_clips, frames, (width, height), folder, methods=methods))
        summary = {name: means(of_case) for name, of_case in by_case(clips).items()}
        if self.plot is not None:
            from pipeline.bench.truth import write_plot

            write_plot(clips, self.plot)
        if self.json:
            checked = [threshold.to_json() for threshold in check_thresholds(clips)]
            document = {"clips": [clip.to_json() for clip in clips], "cases": summary, "bars": checked}
            print_json(document | {"verdicts": verdicts(clips)})
            return
        _print(summary)
        _print_verdicts(summary, verdicts(clips))
        _print_thresholds(clips)


def _words(values: Sequence[str]) -> list[str]:
    return [word for value in values for word in value.split(",") if word]


def _numbers(values: Sequence[str], flag: str) -> list[int]:
    words = _words(values)
    for word in words:
        if not (word.isascii() and word.isdigit() and len(word) < 10):
            raise UsageError(f"{flag} {word}: give whole numbers from 0")
    if not words:
        raise UsageError(f"{flag}: give at least one number")
    return list(dict.fromkeys(map(int, words)))


def _print(summary: "dict[str, CaseMeans]") -> None:
    from pipeline.bench.truth import METHODS, method_label

    added = dict.fromkeys(name for row in summary.values() for name in row["figures"] if name not in METHODS)
    methods = (*METHODS, *added)
    rows = [
        (case, *(_figure(row, name, "psnr", ".2f") for name in methods), f"{row['regret']:.2f}")
        for case, row in summary.items()
    ]
    clips = sum(row["clips"] for row in summary.values())
    title = f"PSNR in dB (basicsr-rgb), means of each case, {counted(clips, 'clip')}; first: what clean puts first"
    print_table(("", *map(method_label, methods), "regret, dB"), rows, title=title)
    print_text("")
    compared = ("released", "suggestion", "limit")
    rows = [
        (
            case,
            *(_figure(row, name, "ssim", ".4f") for name in compared),
            *(_figure(row, name, "worst", ".1f") for name in compared),
            f"{100 * row['kept']:.1f} %",
            _figure(row, "suggestion", "seconds", ".2f"),
            _figure(row, "suggestion", "decoding", ".2f"),
            "" if row["calibration_factor"] is None else f"{row['calibration_factor']:.2f}",
        )
        for case, row in summary.items()
    ]
    labels = [method_label(name) for name in compared]
    heads = (*(f"SSIM {label}" for label in labels), *(f"worst {label}" for label in labels))
    title = (
        "worst: mean error of the worst 1 % of the pixels, grey levels; seconds: for the first candidate, with decoding"
    )
    columns = ("", *heads, "kept", "seconds", "decoding, s")
    if any(row["calibration_factor"] is not None for row in summary.values()):
        columns = (*columns, "calibration")
    print_table(columns, [row[: len(columns)] for row in rows], title=title)


def _print_verdicts(summary: "dict[str, CaseMeans]", counts: "VerdictCounts | None") -> None:
    from rainclean.verdict import LABELS

    print_text("")
    rows = [
        (
            case, f"{row['gain']:+.1f} dB", f"{100 * row['stained']:.2f} %", f"{100 * row['excluded']:.1f} %",
            _tally(row["worths"]), _tally([LABELS[said] for said in row["said"]]),
        )
        for case, row in summary.items()
    ]  # fmt: skip
    title = "worth of the first candidate by the ground truth (nearer than the rainy frame, stained), and its verdict"
    print_table(("", "nearer", "stained", "excluded", "worth", "verdict"), rows, title=title)
    if counts is None:
        return
    print_text("")
    table = counts["confusion"]
    worths = list(table["fit"])
    by_verdict = [(LABELS[said], *map(str, row.values())) for said, row in table.items()]
    print_table(
        ("verdict", *worths), by_verdict, title=f"verdicts: fit was right in {counts['fit_right']} of {counts['fit']}"
    )


def _tally(words: Sequence[str]) -> str:
    """Return each word with its count; without counts where all are equal."""
    counts = {word: words.count(word) for word in dict.fromkeys(words)}
    return ", ".join(word if len(counts) == 1 else f"{count} {word}" for word, count in counts.items()) or "–"


def _figure(row: "CaseMeans", method: str, key: str, form: str) -> str:
    figures = row["figures"].get(method)
    return "–" if figures is None else format(figures[key], form)


def _print_thresholds(clips: "list[Measured]") -> None:
    from pipeline.bench.truth import check_thresholds, reliability

    print_text("")
    checked = check_thresholds(clips)
    lines = [
        (each.case, each.what, f"{'≤' if each.most else '≥'} {each.needed:+.2f}", *_values(each), each.verdict)
        for each in checked
    ]
    print_table(("", "figure", "needed", "mean", "worst clip", "threshold"), lines, title="thresholds")
    met = sum(each.verdict == "met" for each in checked)
    print_text(f"{met} of {counted(len(checked), 'threshold')} met")
    known = reliability(clips)
    if known is not None:
        print_text("")
        rows = [
            (
                f"{100 * each.share:.1f} %",
                f"{each.expected:.2f}",
                f"{each.actual:.2f}",
                f"{each.actual / max(each.expected, 1e-9):.2f}",
            )
            for each in known.curve
        ]
        title = f"expected and actual error in grey levels, by bins: off by a factor of {known.factor:.2f} at most"
        print_table(("share of the pixels", "expected", "actual", "actual / expected"), rows, title=title)


def _values(threshold: "Threshold") -> tuple[str, str]:
    return f"{threshold.mean:+.2f}", f"{threshold.worst:+.2f}"
