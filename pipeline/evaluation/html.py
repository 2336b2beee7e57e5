"""index.html of an evaluation: means, then the worst pictures. It opens from disk; its pictures lie beside it."""

from collections.abc import Iterable, Sequence
from html import escape

from pipeline.evaluation.gallery import Case, Figure
from pipeline.evaluation.report import EvaluationReport, MethodRecord
from pipeline.evaluation.scores import cell
from pipeline.evaluation.tables import Cell, Table, tables_of
from pipeline.text_format import counted
from rainclean.metrics import Score


def page(report: EvaluationReport) -> str:
    """Return the page of a report."""
    data, worst, cases = report.dataset, report.worst, report.cases
    title = f"{data.name}, {data.split}"
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    words = "".join(f"<dt>{escape(n)}</dt><dd>{escape(p.description)}</dd>" for n, p in report.protocols.items())
    order = f"The {counted(len(cases), 'image')} of lowest PSNR of {worst.method} by {worst.protocol}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}: rainclean evaluate</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}: {escape(pairs_of(report))}</h1>
<p>PSNR in dB / SSIM by protocol, means over the images. Do not compare numbers of different protocols.</p>
{_table(report.protocols, summary_rows(report))}
{_statistics(report)}
{f"<ul>{notes}</ul>" if notes else ""}
<dl>{words}</dl>
<dl>{"".join(map(_method, report.methods))}</dl>
<p>Every picture: <a href="scores.csv">scores.csv</a>; every scene: <a href="scenes.csv">scenes.csv</a>; comparisons:
<a href="comparisons.csv">comparisons.csv</a>; by rain amount: <a href="by_rain.csv">by_rain.csv</a>; for papers: the
folder tables; the origin of all this: <a href="report.json">report.json</a>. rainclean {escape(report.rainclean)}.</p>
{f"<p>{escape(order)}, worst first. Click an image for its full size.</p>" if cases else ""}
{"".join(_section(rank, case, report) for rank, case in enumerate(cases, 1))}
</body></html>
"""


def pairs_of(report: EvaluationReport) -> str:
    """Return words such as ``30 pairs of 4 scenes``."""
    data = report.dataset
    scenes = f" of {counted(data.scenes, 'scene')}" if data.scenes else ""
    return f"{counted(data.pairs, 'pair')}{scenes}"


def summary_rows(report: EvaluationReport) -> list[tuple[str, ...]]:
    """Return a table row for each method: its name, then PSNR and SSIM by each protocol."""
    means = {(row.method, row.protocol): cell(row.psnr_db, row.ssim) for row in report.summary}
    return [(m.name, *(means.get((m.name, p), "–") for p in report.protocols)) for m in report.methods]


def _table(protocols: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in ("method", *protocols))
    body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows)
    return f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _method(method: MethodRecord) -> str:
    return f"<dt>{escape(method.name)}</dt><dd>{escape(method.description)}</dd>"


def _statistics(report: EvaluationReport) -> str:
    """Return intervals, comparisons and means by rain amount, folded up."""
    tables = tables_of(report.summary, report.by_rain, report.comparisons, report.statistics)
    words = f"<p>{escape(report.statistics.description)}</p>"
    return (
        f"<details><summary>Intervals, tests, rain amounts</summary>{words}{''.join(map(_of_table, tables))}</details>"
    )


def _of_table(table: Table) -> str:
    sides = [" class=name"] * table.names + [""] * (len(table.head) - table.names)
    head = "".join(f"<th{side}>{escape(name)}</th>" for side, name in zip(sides, table.head, strict=True))
    cells = (
        "".join(f"<td{side}>{_bold(cell)}</td>" for side, cell in zip(sides, row, strict=True)) for row in table.rows
    )
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return (
        f"<p>{escape(table.caption)}</p>"
        f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _section(rank: int, case: Case, report: EvaluationReport) -> str:
    scene = f", scene {case.scene}" if case.scene else ""
    rows = [(name, *(_cell_of(p, scores) for p in report.protocols)) for name, scores in case.scores.items()]
    figures = "".join(f"<div class=row>{''.join(map(_figure, row))}</div>" for row in case.rows)
    heading = f"<h2>{rank}. {escape(case.image)}{escape(scene)}</h2>"
    return f"<section>{heading}{_table(report.protocols, rows)}{figures}</section>\n"


def _bold(cell: Cell) -> str:
    return f"<b>{escape(cell.text)}</b>" if cell.best else escape(cell.text)


def _cell_of(protocol: str, scores: Sequence[Score]) -> str:
    """Return the cell of a protocol; a variant has no score where everything is excluded."""
    return next((cell(s.psnr, s.ssim) for s in scores if s.protocol == protocol), "–")


def _figure(figure: Figure) -> str:
    text = escape(figure.caption)
    size = f'width="{figure.width}" height="{figure.height}"'
    image = f'<img loading="lazy" {size} alt="{text}" src="{figure.shown}">'
    return f'<figure><a href="{figure.file}">{image}</a><figcaption>{text}</figcaption></figure>'


_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 1180px; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { overflow-wrap: anywhere; line-height: 1.25; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; }
summary { margin: 1rem 0; cursor: pointer; }
details b { font-weight: 700; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .2rem 1.4rem .2rem 0; text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th:first-child, td:first-child, .name { text-align: left; }
thead { border-bottom: 1px solid currentColor; }
dl { display: grid; grid-template-columns: fit-content(40%) 1fr; gap: 0 1.4rem; overflow-wrap: anywhere; }
dd { margin: 0; }
.row { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .75rem; margin-top: .75rem; }
figure { margin: 0; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; }
img { display: block; width: 100%; height: auto; }
"""
