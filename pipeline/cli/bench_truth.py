"""``rainclean bench truth``: clean images against the known truth of simulated clips."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from pipeline.cli.console import follow, print_json, print_table, print_text
from pipeline.cli.values import clip_size
from pipeline.words import counted
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from pipeline.bench.truth import Bar, Measured


@dataclass(frozen=True)
class BenchTruth:
    """Measure clean images on a ladder of simulated clips: our suggestion beside the released rule, the median, the
    best candidate and the limit, which is the mean of all samples without rain and passers-by.

    PSNR and SSIM: protocol basicsr-rgb, against the truth of the reference frame, over the region that the suggestion
    shows; of films over what is kept of that and has a truth. Verdicts are held against what the truth says of the
    suggestion. With the defaults 58 clips, which take some minutes; --cases and --backgrounds choose fewer.
    """

    cases: Annotated[tuple[str, ...], arg(metavar="NAME")] = ()
    """Presets of simulate, apart by spaces or commas; ladder, films: all of a kind. Default: all but clear."""
    backgrounds: Annotated[tuple[str, ...], arg(metavar="PICTURE")] = ("table", "cat")
    """Pictures to rain over: files, or table, cat, launch (shipped samples)."""
    seeds: Annotated[tuple[str, ...], arg(metavar="N")] = ("0",)
    """Seeds of the rain; each makes a clip of each case over each picture."""
    frames: Annotated[int, arg(metavar="N")] = 80
    """Frames of a clip; films have their own number."""
    size: Annotated[str, arg(metavar="WxH")] = "352x240"
    """Size of the frames, even sides."""
    crfs: Annotated[tuple[str, ...], arg(metavar="0…51")] = ("18", "23", "28")
    """Constant rate factors of the case codec, apart by spaces or commas."""
    save: Annotated[Path | None, arg(aliases=["-o"], metavar="FOLDER")] = None
    """Write pictures to look at: rainy, released, suggestion, truth, and errors 8 times as strong."""
    plot: Annotated[Path | None, arg(metavar="FILE.png")] = None
    """Draw PSNR by case, and how far expected errors can be relied on."""
    json: bool = False
    """Print JSON instead of tables."""

    def run(self) -> None:
        """Measure and print."""
        width, height, frames = clip_size(f"{self.size}x{self.frames}", "--size and --frames")
        if self.plot is not None and (self.plot.suffix.lower() != ".png" or not self.plot.absolute().parent.is_dir()):
            raise UsageError(f"--plot {self.plot}: a .png in a folder that is there is needed")
        seeds, crfs = _numbers(self.seeds, "--seeds"), _numbers(self.crfs, "--crfs")

        from pipeline.bench.truth import (
            Rung,
            backgrounds,
            bars,
            bench_truth,
            by_case,
            cases,
            means,
            pictures_folder,
            verdicts,
        )

        chosen = cases(_words(self.cases), crfs)
        pictures = backgrounds(self.backgrounds)
        rungs = [Rung(case, picture, seed) for case in chosen for picture in pictures for seed in seeds]
        if self.save is None:
            clips = follow(bench_truth(rungs, frames, (width, height)))
        else:
            with pictures_folder(self.save, rungs) as folder:
                clips = follow(bench_truth(rungs, frames, (width, height), folder))
        summary = {name: means(of_case) for name, of_case in by_case(clips).items()}
        if self.plot is not None:
            from pipeline.bench.truth import write_plot

            write_plot(clips, self.plot)
        if self.json:
            held = [bar.to_json() for bar in bars(clips)]
            told = {"clips": [clip.to_json() for clip in clips], "cases": summary, "bars": held}
            print_json(told | {"verdicts": verdicts(clips)})
            return
        _print(summary)
        _print_verdicts(summary, verdicts(clips))
        _print_bars(clips)


def _words(values: Sequence[str]) -> list[str]:
    return [word for value in values for word in value.split(",") if word]


def _numbers(values: Sequence[str], flag: str) -> list[int]:
    words = _words(values)
    for word in words:
        if not (word.isascii() and word.isdigit() and len(word) < 10):
            raise UsageError(f"{flag} {word}: whole numbers from 0 up are needed")
    if not words:
        raise UsageError(f"{flag}: at least one number is needed")
    return list(dict.fromkeys(map(int, words)))


def _print(summary: dict[str, Any]) -> None:
    methods = ("rainy", "released", "median", "suggestion", "best", "limit")
    rows = [
        (case, *(_figure(row, name, "psnr", ".2f") for name in methods), f"{row['regret']:.2f}")
        for case, row in summary.items()
    ]
    clips = sum(row["clips"] for row in summary.values())
    title = f"PSNR in dB (basicsr-rgb), means of each case; {counted(clips, 'clip')}"
    print_table(("", *methods, "regret"), rows, title=title)
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
    heads = (*(f"SSIM {name}" for name in compared), *(f"worst {name}" for name in compared))
    title = (
        "worst: mean error of the worst 1 % of the pixels, grey levels; seconds: of the suggestion, decoding in them"
    )
    columns = ("", *heads, "kept", "seconds", "decoding")
    if any(row["calibration_factor"] is not None for row in summary.values()):
        columns = (*columns, "calibration")
    print_table(columns, [row[: len(columns)] for row in rows], title=title)


def _print_verdicts(summary: dict[str, Any], told: dict[str, Any] | None) -> None:
    print_text("")
    rows = [
        (
            case, f"{row['gain']:+.1f} dB", f"{row['stained']:.2%}", f"{row['excluded']:.1%}",
            _tally(row["worths"]), _tally(row["said"]),
        )
        for case, row in summary.items()
    ]  # fmt: skip
    title = "what the suggestion is worth by the truth (nearer than the rainy frame, stained), and what was said of it"
    print_table(("", "nearer", "stained", "excluded", "true", "said"), rows, title=title)
    if told is None:
        return
    print_text("")
    table = told["confusion"]
    worths = list(table["fit"])
    rows = [(said, *map(str, row.values())) for said, row in table.items()]
    print_table(("said", *worths), rows, title=f"verdicts: fit was right in {told['fit_right']} of {told['fit']}")


def _tally(words: list[str]) -> str:
    """Each word once, with how often it comes where that is more than once."""
    counts = {word: words.count(word) for word in dict.fromkeys(words)}
    return ", ".join(word if len(counts) == 1 else f"{count} {word}" for word, count in counts.items()) or "–"


def _figure(row: dict[str, Any], method: str, key: str, form: str) -> str:
    figures = row["figures"].get(method)
    return "–" if figures is None else format(figures[key], form)


def _print_bars(clips: "list[Measured]") -> None:
    from pipeline.bench.truth import bars, reliability

    print_text("")
    held = bars(clips)
    lines = [
        (bar.case, bar.what, f"{'≤' if bar.most else '≥'} {bar.needed:+.2f}", *_values(bar), bar.verdict)
        for bar in held
    ]
    print_table(("", "suggestion", "needed", "mean", "worst clip", "bar"), lines, title="bars")
    met = sum(bar.verdict == "met" for bar in held)
    print_text(f"{met} of {counted(len(held), 'bar')} met")
    known = reliability(clips)
    if known is not None:
        print_text("")
        rows = [
            (f"{share:.1%}", f"{claimed:.2f}", f"{found:.2f}", f"{found / max(claimed, 1e-9):.2f}")
            for share, claimed, found in known.curve
        ]
        title = f"expected error in levels, by bins: off by {known.factor:.2f} times at most"
        print_table(("of the pixels", "expected", "realised", "realised over expected"), rows, title=title)


def _values(bar: "Bar") -> tuple[str, str]:
    return f"{bar.mean:+.2f}", f"{bar.worst:+.2f}"
