"""Tables for papers and pages: LaTeX and Markdown, the best of each column in bold, with intervals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.evaluation.analysis import ComparisonRow, RainRow, Statistics
from pipeline.evaluation.scores import SummaryRow

FOLDER = "tables"

_TEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "−": r"$-$", "…": r"\ldots{}", "<": "$<$",
    ">": "$>$", "[": "{[}", "]": "{]}",
})  # fmt: skip
_MARKDOWN = str.maketrans({"|": r"\|", "*": r"\*", "_": r"\_", "`": r"\`", "<": "&lt;", "\\": r"\\"})


@dataclass(frozen=True)
class Cell:
    """A cell: its text, and whether it is the best of its column."""

    text: str
    best: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a caption; the first columns are names, the others numbers."""

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    names: int = 1


def write_tables(folder: Path, tables: Iterable[Table]) -> None:
    """Write each table as NAME.tex and NAME.md into a new folder."""
    folder.mkdir()
    for table in tables:
        for suffix, text in (("tex", as_latex(table)), ("md", as_markdown(table))):
            path = folder / f"{table.name}.{suffix}"
            path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def tables_of(
    summary: Sequence[SummaryRow], rain: Sequence[RainRow], compared: Sequence[ComparisonRow], how: Statistics
) -> list[Table]:
    """Return the tables of an evaluation: all pictures, by rain amount, comparisons."""
    protocols = tuple(dict.fromkeys(row.protocol for row in summary))
    about = f"Means, with {100 * how.level:g} % intervals in brackets."
    tables = [
        Table(
            name="scores",
            caption=f"{about} Numbers of different protocols do not compare.",
            head=("method", *(f"{p}, {m}" for p in protocols for m in ("PSNR (dB)", "SSIM"))),
            rows=tuple(_by_method(summary, protocols)),
        ),
        Table(
            name="comparisons",
            caption=f"Paired differences, first minus second method; {how.unit}s are compared. p: Wilcoxon, Holm.",
            head=("protocol", "measure", "first", "second", "difference", "p", "effect", f"{how.unit}s"),
            rows=tuple(tuple(map(Cell, comparison_cells(row))) for row in compared),
            names=4,
        ),
    ]
    tables += [
        Table(
            name=f"by-rain-{protocol}",
            caption=f"{about} By share of pixels with rain; protocol {protocol}.",
            head=("method", *(f"{r}, {m}" for r in _ranges(rain) for m in ("PSNR (dB)", "SSIM"))),
            rows=tuple(_by_range([row for row in rain if row.protocol == protocol], _ranges(rain))),
        )
        for protocol in protocols
    ]
    return tables


def comparison_cells(row: ComparisonRow) -> tuple[str, ...]:
    """Return the cells of a comparison: names, difference with interval, p, effect, units."""
    measure = "PSNR (dB)" if row.measure == "psnr_db" else "SSIM"
    return (row.protocol, measure, row.method, row.other, *comparison_texts(asdict(row)), str(row.units))


class ComparisonTexts(NamedTuple):
    """Difference with interval, p and effect size, for a person."""

    difference: str
    p: str
    effect: str


def comparison_texts(row: Mapping[str, Any]) -> ComparisonTexts:
    """Return the texts of a comparison as report.json has it."""
    digits = 2 if row["measure"] == "psnr_db" else 4
    effect = "" if row["effect"] is None else f"{row['effect']:+.2f}".replace("-", "−")
    difference = with_interval(row["difference"], row["low"], row["high"], digits, sign=True)
    return ComparisonTexts(difference, p_text(row["p_holm"]), effect)


def with_interval(mean: float | None, low: float | None, high: float | None, digits: int, *, sign: bool = False) -> str:
    """Return ``38.12 [37.90, 38.41]``; without the bounds where there are none, ``inf`` for None."""
    form = f"{'+' if sign else ''}.{digits}f"
    text = "inf" if mean is None else format(mean, form)
    if low is not None and high is not None and mean is not None:
        text += f" [{low:{form}}, {high:{form}}]"
    return text.replace("-", "−")


def p_text(p: float | None) -> str:
    """Return a p value: ``0.012``, or ``<0.001``."""
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def as_latex(table: Table) -> str:
    """Return a table for LaTeX; it needs the package booktabs."""
    names = "l" * table.names
    lines = [
        "% by rainclean evaluate; needs \\usepackage{booktabs}",
        r"\begin{table}",
        rf"\caption{{{table.caption.translate(_TEX)}}}",
        rf"\begin{{tabular}}{{{names}{'r' * (len(table.head) - table.names)}}}",
        r"\toprule",
        " & ".join(text.translate(_TEX) for text in table.head) + r" \\",
        r"\midrule",
    ]
    for row in table.rows:
        cells = (rf"\textbf{{{c.text.translate(_TEX)}}}" if c.best else c.text.translate(_TEX) for c in row)
        lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def as_markdown(table: Table) -> str:
    """Return a table for Markdown."""
    sides = ["---"] * table.names + ["---:"] * (len(table.head) - table.names)
    lines = [table.caption, "", _markdown(text.translate(_MARKDOWN) for text in table.head), _markdown(sides)]
    for row in table.rows:
        texts = (cell.text.translate(_MARKDOWN) for cell in row)
        lines.append(_markdown(f"**{t}**" if c.best else t for t, c in zip(texts, row, strict=True)))
    return "\n".join(lines) + "\n"


def _markdown(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _by_method(summary: Sequence[SummaryRow], protocols: Sequence[str]) -> Iterable[tuple[Cell, ...]]:
    found = {(row.method, row.protocol): row for row in summary}
    best = {protocol: _best([row for row in summary if row.protocol == protocol]) for protocol in protocols}
    for method in dict.fromkeys(row.method for row in summary):
        cells = [pair for p in protocols for pair in _pair(found.get((method, p)), *best[p])]
        yield (Cell(method), *cells)


def _by_range(rain: Sequence[RainRow], ranges: Sequence[str]) -> Iterable[tuple[Cell, ...]]:
    found = {(row.method, row.rain): row for row in rain}
    best = {each: _best([row for row in rain if row.rain == each]) for each in ranges}
    for method in dict.fromkeys(row.method for row in rain):
        cells = [pair for each in ranges for pair in _pair(found.get((method, each)), *best[each])]
        yield (Cell(method), *cells)


def _ranges(rain: Sequence[RainRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.rain for row in rain))


def _pair(row: SummaryRow | None, best_psnr: str, best_ssim: str) -> tuple[Cell, Cell]:
    """Return the cells of PSNR and SSIM; equal texts are equally good."""
    if row is None or row.ssim is None:
        return Cell("–"), Cell("–")
    psnr, ssim = _texts(row)
    return (
        Cell(with_interval(row.psnr_db, row.psnr_low, row.psnr_high, 2), psnr == best_psnr),
        Cell(with_interval(row.ssim, row.ssim_low, row.ssim_high, 4), ssim == best_ssim),
    )


def _best(rows: Sequence[SummaryRow]) -> tuple[str, str]:
    """Return the highest PSNR and SSIM as they are printed; infinity is the highest."""
    scored = [row for row in rows if row.ssim is not None]
    if not scored:
        return "", ""
    by_psnr = max(scored, key=lambda row: float("inf") if row.psnr_db is None else row.psnr_db)
    return _texts(by_psnr)[0], _texts(max(scored, key=lambda row: row.ssim or 0))[1]


def _texts(row: SummaryRow) -> tuple[str, str]:
    return with_interval(row.psnr_db, None, None, 2), with_interval(row.ssim, None, None, 4)
