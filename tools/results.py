"""Write the figures of a benchmark into docs/results.md.

``python tools/results.py FILE.json`` takes the ``--json`` output of ``python -m benchmarks NAME``, or of ``rainclean
bench truth`` or ``scale``, and recognises the benchmark. It replaces the block between ``<!-- bench:NAME -->`` and
``<!-- /bench -->`` with a table and a line that says machine, date and version. Run it on the machine that ran the
benchmark, or name that machine with ``--machine``.
"""

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "docs" / "results.md"

NONE = "–"

TEMPORAL = (
    ("decode", "decoding"),
    ("released: sort, votes, percentiles", "released rule: sort, votes, percentile"),
    ("released: decode to scores", "released rule: from decoding to the image"),
    ("sweep: sort, votes, percentiles", "sweep: sort, votes, percentiles"),
    ("sweep: register", "sweep: camera motion and exposure"),
    ("sweep: weigh", "sweep: rain-free mean, what moves"),
    ("sweep: scores", "sweep: scores of all candidates"),
    ("sweep: decode to scores", "sweep: from decoding to scores"),
    ("moving: register", "panning clip: registration"),
    ("moving: decode to scores", "panning clip: from decoding to scores"),
    ("np.sort", "`np.sort` of the same stack, RGB only"),
    ("released rule in plain numpy", "released rule in plain numpy"),
)
"""Name in the JSON of `benchmarks temporal`, row of the table; other measurements are left out."""

GUI = {
    "next candidate": ("next candidate, key to painted frame", "50 / 120 ms"),
    "blink": ("blink", "50 / 120 ms"),
    "next sequence, after a second's rest": ("next sequence, after a second's rest", "50 / 120 ms"),
    "percentile slider": ("percentile slider, a step", "40 ms"),
    "frames slider, preview": ("frames slider, preview", "150 ms"),
    "brush step": ("brush, a step of a stroke", "16 ms"),
    "accept, then the next sequence": ("accept (A) to the next sequence painted, of the large project", "60 ms"),
    "first image of the large project": ("first image of the large project, from starting the program", "1 000 ms"),
}
"""Name in the JSON of `benchmarks gui` → row of the table, threshold."""

KEYS = {
    "truth": {"clips", "cases"},
    "gui": {"times", "growth_mib"},
    "scale": {"cores", "forecast", "workers"},
    "dataset": {"commands", "dataset_bytes"},
}
"""Benchmark → keys that its JSON object has, and that of no other."""

GRAPHS = ("ours", "released", "plain torch")

TRUTH = ("rainy", "released", "median", "suggestion", "limit")


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="results.py", description="Write the figures of a benchmark into the results."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.json", help="--json output of a benchmark")
    parser.add_argument("--into", type=Path, default=RESULTS, metavar="FILE.md", help="default: docs/results.md")
    parser.add_argument("--machine", metavar="TEXT", help="where it ran; default: this machine")
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="when it ran; default: date of the file")
    options = parser.parse_args(words)
    for file in options.files:
        try:
            name, rows = table(json.loads(file.read_text(encoding="utf-8")))
            date = options.date or datetime.fromtimestamp(file.stat().st_mtime, UTC).date().isoformat()
            caption = f"{options.machine or machine()}, {date}, rainclean {version()}."
            text = options.into.read_text(encoding="utf-8")
            options.into.write_text(with_block(text, name, f"{caption}\n\n{markdown(rows)}"), encoding="utf-8")
        except (OSError, ValueError) as error:
            sys.stderr.write(f"results.py: {file}: {error}\n")
            return 1
        sys.stdout.write(f"{options.into}: {name}, {len(rows) - 1} rows\n")
    return 0


def table(output: Any) -> tuple[str, list[list[str]]]:
    """Return the benchmark's name and the rows of its table, the head first.

    Args:
        output: ``--json`` output of a benchmark, as Python values.

    Raises:
        ValueError: The values are of no benchmark that is known.
    """
    makers: dict[str, Callable[[Any], list[list[str]]]] = {
        "temporal": temporal_rows, "spanet": spanet_rows, "truth": truth_rows, "gui": gui_rows,
        "scale": scale_rows, "dataset": dataset_rows,
    }  # fmt: skip
    if isinstance(output, dict):
        output = output.get("rows", output)
    name = benchmark(output)
    if name is None:
        raise ValueError(
            "not the --json output of a benchmark: pass that of python -m benchmarks, or of rainclean bench"
        )
    return name, makers[name](output)


def benchmark(output: Any) -> str | None:
    """Return which benchmark printed the values, None for none."""
    if isinstance(output, dict):
        return next((name for name, keys in KEYS.items() if keys <= output.keys()), None)
    if not isinstance(output, list) or not output or not all(isinstance(row, dict) for row in output):
        return None
    for key, name in (("clip", "temporal"), ("size", "spanet")):
        if all({key, "what", "seconds"} <= row.keys() for row in output):
            return name
    return None


def temporal_rows(output: list[dict[str, Any]]) -> list[list[str]]:
    """Return seconds of each step by clip, with their ratio to decoding, and peak memory."""
    measured = {(row["clip"], row["what"]): row for row in output if not row["what"].startswith("scaling")}
    clips = list(dict.fromkeys(clip for clip, _ in measured))
    rows = [["seconds (× decoding)", *clips]]
    for what, label in TEMPORAL:
        cells = []
        for clip in clips:
            row, decode = measured.get((clip, what)), measured[clip, "decode"]["seconds"]
            cells.append(NONE if row is None else f"{seconds(row['seconds'])} ({ratio(row['seconds'] / decode)})")
        rows.append([label, *cells])
    peaks = []
    for clip in clips:
        known = (measured.get((clip, what)) for what in ("sweep: decode to scores", "released rule in plain numpy"))
        peaks.append(" / ".join(f"{row['peak_bytes'] / 2**20:.0f}" if row else NONE for row in known) + " MiB")
    return [*rows, ["peak memory, sweep / plain numpy", *peaks]]


def spanet_rows(output: list[dict[str, Any]]) -> list[list[str]]:
    """Return seconds, peak memory and how many times as long as ours, by graph."""
    rows: dict[str, dict[str, str]] = {}
    for row in output:
        irnn = re.fullmatch(r"IRNN, (.+): (.+)", row["what"])
        other = re.fullmatch(r"(network|training step), (.+)", row["what"])
        if irnn:
            label, graph = f"IRNN {row['size']}, {irnn[2]}", irnn[1]
        elif other:
            label, graph = f"{other[1]}, {row['size']}", other[2]
        else:
            continue
        times = "" if graph == "ours" or row["times"] is None else f" ({row['times']:.2f}×)"
        memory = "" if row["peak_bytes"] is None else f", {row['peak_bytes'] / 2**20:.0f} MiB"
        rows.setdefault(label, {})[graph] = f"{seconds(row['seconds'])} s{times}{memory}"
    return [["", *GRAPHS], *([label, *(cells.get(graph, "") for graph in GRAPHS)] for label, cells in rows.items())]


def truth_rows(output: dict[str, Any]) -> list[list[str]]:
    """Return mean PSNR in dB by case and method."""
    rows = [["case", "rainy", "released rule", "median", "first", "upper bound"]]
    for case, means in output["cases"].items():
        figures = [means["figures"].get(name) for name in TRUTH]
        cells = [NONE if figure is None else f"{figure['psnr']:.2f}" for figure in figures]
        cells[TRUTH.index("suggestion")] = f"**{cells[TRUTH.index('suggestion')]}**"
        rows.append([case, *cells])
    return rows


def gui_rows(output: dict[str, Any]) -> list[list[str]]:
    """Return milliseconds to the painted frame, and growth of memory."""
    rows = [["", "median", "95 %", "threshold"]]
    for row in output["times"]:
        label, threshold = GUI.get(row["what"], (row["what"], ""))
        rows.append([label, f"{grouped(row['median'])} ms", f"{grouped(row['p95'])} ms", threshold])
    return [*rows, ["memory over repaints and switches of candidates", f"{output['growth_mib']:+.1f} MiB", "", "50 MB"]]


def scale_rows(output: dict[str, Any]) -> list[list[str]]:
    """Return time and memory of a large project, a large data set, one clip and several workers, and the forecast."""
    rows = [["", "time", "memory, bytes, limit"]]
    for command in output["commands"] or ():
        label = f"`{command['command']}`, {grouped(output['sequences'])} sequences"
        rows.append([label, f"{seconds(command['seconds'])} s", mebibytes(command["peak_mib"])])
    if index := output["index"]:
        for turn, label in (("first", "first time"), ("second", "again, from the cache")):
            label = f"index of {grouped(index['pairs'])} pairs, {label}"
            rows.append([label, f"{seconds(index[f'{turn}_seconds'])} s", mebibytes(index[f"{turn}_peak_mib"])])
    if training := output["training"]:
        label = f"a training from {grouped(training['pairs'])} pairs, beside torch"
        rows.append([label, NONE, mebibytes(training["peak_mib"])])
    for speed in output["workers"] or ():
        label = f"`batch`, {times(speed['size'])}, {speed['clips']} clips, {counted(speed['workers'], 'worker')}"
        rows.append([label, f"{seconds(speed['seconds'])} s", f"{speed['speedup']:.2f} times as fast"])
    if clip := output["clip"]:
        label = f"one clip, {times(clip['size'])}"
        rows.append(
            [f"{label}, analysis", f"{seconds(clip['cpu_seconds'])} s of one core", mebibytes(clip["peak_mib"])]
        )
        content = f"{clip['result_bytes'] / 1e6:.1f} MB in {clip['result_files']} files"
        rows.append([f"{label}, storing its results", f"{seconds(output['intake_seconds'])} s of one core", content])
        kept = f"{clip['kept_bytes'] / 1e6:.1f} MB in {clip['kept_files']} files"
        rows.append([f"{label}, with `--keep best:8`", NONE, kept])
    if needs := output["needs"]:
        content = f"clips {needs['clip_bytes'] / 1e9:.0f} GB, results {needs['result_bytes'] / 1e9:.0f} GB"
        content += f", with `--keep best:8` {needs['kept_bytes'] / 1e9:.0f} GB"
        label = f"on paper: {grouped(needs['clips'])} such clips"
        rows.append([label, f"{grouped(needs['cpu_hours'])} h of one core", content])
    for row in output["forecast"] or ():
        label = f"on paper: {counted(row['machines'], 'machine')} of {counted(output['cores'], 'core')}"
        shares = f"storage {100 * row['storage_share']:.0f} %, writer {100 * row['writer_share']:.0f} %"
        rows.append([label, f"{row['hours']:.1f} h", f"limit: {row['limit']} ({shares})"])
    return rows


def dataset_rows(output: dict[str, Any]) -> list[list[str]]:
    """Return minutes and peak memory of each command, and what came out."""
    rows = [["", "minutes", "minutes of one core", "peak memory"]]
    commands = output["commands"]
    for command in commands:
        used = (f"{command[key] / 60:.1f}" for key in ("seconds", "cpu_seconds"))
        rows.append([f"`{command['command']}`", *used, mebibytes(command["peak_mib"])])
    used = (f"{sum(command[key] for command in commands) / 60:.1f}" for key in ("seconds", "cpu_seconds"))
    rows.append(["all", *used, mebibytes(max((each["peak_mib"] or 0 for each in commands), default=0) or None)])
    pairs = f"{grouped(sum(output['pairs'].values()))} pairs"
    label = f"{pairs} from {output['clips']} clips of {times(output['size'])}"
    stored = (f"{name} {output[f'{name}_bytes'] / 1e9:.1f} GB" for name in ("clip", "project", "dataset"))
    return [*rows, [label, *(each.replace("clip ", "clips ").replace("dataset ", "data set ") for each in stored)]]


def times(size: Sequence[int]) -> str:
    """Return width, height and frames of a clip."""
    return "×".join(map(str, size))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def mebibytes(value: float | None) -> str:
    """Return a memory size."""
    return NONE if value is None else f"{grouped(value)} MiB"


def seconds(value: float) -> str:
    """Return seconds with two or three digits that count."""
    return f"{value:.3f}" if value < 0.0995 else f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


def ratio(value: float) -> str:
    """Return a ratio with two or three digits that count."""
    return f"{value:.2f}" if value < 1.995 else f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def grouped(value: float) -> str:
    """Return a whole number with a space between thousands."""
    return f"{value:,.0f}".replace(",", " ")


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first row is its head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0].replace("|  |", "| |", 1), "|" + "---|" * len(rows[0]), *lines[1:]])


def with_block(text: str, name: str, content: str) -> str:
    """Return the text with the content of one block replaced.

    Raises:
        ValueError: The text does not have the block exactly once.
    """
    block = re.compile(rf"(<!-- bench:{re.escape(name)} -->\n).*?(\n<!-- /bench -->)", re.DOTALL)
    if len(block.findall(text)) != 1:
        raise ValueError(f"one block <!-- bench:{name} --> … <!-- /bench --> is needed in the results")
    return block.sub(lambda match: f"{match[1]}{content}{match[2]}", text)


def machine() -> str:
    """Return cores and processor of this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        known = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        known = None
    return f"{cores} cores of {known[1].strip() if known else platform.processor() or platform.machine()}"


def version() -> str:
    """Return the version of the code beside this tool."""
    source = (Path(__file__).parents[1] / "rainclean" / "__init__.py").read_text(encoding="utf-8")
    return re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE)[0]


if __name__ == "__main__":
    sys.exit(main())
