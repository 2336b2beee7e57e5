"""The report of the demo: one HTML file with its pictures inside, which opens from disk."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.demo.training import Learnt
from pipeline.evaluation import pairs_of, summary_rows
from pipeline.export import Exported, Findings
from rainclean import __version__
from rainclean.png import decode_png, encode_png

U8 = NDArray[np.uint8]

GAIN = 8
"""Differences are shown amplified by this factor, around middle grey."""


PROTOCOL = "basicsr-rgb"


@dataclass(frozen=True, kw_only=True)
class DemoRow:
    """Scores of one clip, in dB against the ground truth by `PROTOCOL`.

    rainy: the reference frame. released: the published rule on the first 100 frames. choice: the candidate that was
    chosen automatically, with its eta and frames. best: the best candidate.
    """

    clip: str
    eta: int
    frames: int
    candidate: str
    best_candidate: str
    rainy_db: float
    released_db: float
    choice_db: float
    best_db: float


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A clip's pictures, each (H, W, 3) uint8 RGB."""

    row: DemoRow
    rainy: U8
    released: U8
    choice: U8
    best: U8
    truth: U8


COLUMNS = ("clip", "η*", "frames", "rainy frame", "released rule", "automatic choice", "closest candidate")


def cells(row: DemoRow) -> tuple[str, ...]:
    """Return one line of the table, under COLUMNS; the last four in dB."""
    worth = (row.rainy_db, row.released_db, row.choice_db, row.best_db)
    return (row.clip, str(row.eta), str(row.frames), *(f"{db:.1f}" for db in worth))


def write_report(
    path: Path, shown: Sequence[Shown], exported: Exported, found: Findings, learnt: Learnt | None
) -> None:
    """Write the page under another name and move it into place."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(_page(shown, exported, found, learnt), encoding="utf-8")
    partial.replace(path)


def _page(shown: Sequence[Shown], exported: Exported, found: Findings, learnt: Learnt | None) -> str:
    pairs = ", ".join(f"{split} {n} / {exported.scenes[split]}" for split, n in exported.pairs.items())
    wrong = "".join(f"<li>{escape(str(problem))}</li>" for problem in found.problems)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>rainclean demo</title><style>{_STYLE}</style></head><body>
<h1>rainclean {escape(__version__)}: demo</h1>
<p>Four photographs with simulated rain went through the project, the analysis, the automatic choice and the export.
The ground truth is known, so every clean image can be scored (PSNR in dB, {PROTOCOL}, reference frame of the clip).</p>
{_table(COLUMNS, [cells(s.row) for s in shown])}
<p>Data set in SPA-Data's layout, pairs / scenes: {escape(pairs)}.
{f"The check found:<ul>{wrong}</ul>" if wrong else "The check found nothing wrong."}</p>
{"".join(map(_section, shown))}
{"" if learnt is None else _training(learnt)}
</body></html>
"""


def _section(shown: Shown) -> str:
    row = shown.row
    figures = (
        (shown.rainy, f"rainy frame, {row.rainy_db:.1f} dB"),
        (shown.released, f"released rule, {row.released_db:.1f} dB"),
        (shown.choice, f"automatic choice: {row.candidate}, {row.choice_db:.1f} dB"),
        (shown.best, f"closest candidate: {row.best_candidate}, {row.best_db:.1f} dB"),
        (shown.truth, "ground truth"),
        (_difference(shown.choice, shown.truth), f"automatic choice − ground truth, ×{GAIN}; grey: equal"),
    )
    return f"<h2>{escape(row.clip)}</h2><div class=row>{''.join(_figure(p, text) for p, text in figures)}</div>"


def _training(learnt: Learnt) -> str:
    """Return the section on a short training: its scores on the test pairs."""
    names = [method.name for method in learnt.report.methods]
    numbers = sorted({file.name.split("-")[0] for file in (learnt.evaluation / "gallery").glob("*-clean.png")})
    rows = []
    for number in numbers:
        files = [(f"{number}-{place}-picture", name) for place, name in enumerate(names)]
        files += [(f"{number}-0-clean", "clean image"), (f"{number}-1-attention", f"{names[1]}: attention map")]
        pictures = ((learnt.evaluation / "gallery" / f"{stem}.png", text) for stem, text in files)
        rows.append(f"<div class=row>{''.join(_figure(decode_png(f.read_bytes(), f), t) for f, t in pictures)}</div>")
    curves = learnt.run / "curves.png"
    return f"""<h2>SPANet, trained on this data set for some minutes</h2>
<p>Preset quick, from a network that changes nothing (<code>best</code>), beside the weights that come with rainclean
(<code>simulated-rain</code>) and the unprocessed rainy images: {escape(pairs_of(learnt.report))} of the test split,
mean PSNR in dB / SSIM by protocol. Do not compare numbers of different protocols.</p>
{_table(("method", *learnt.report.protocols), summary_rows(learnt.report))}
<figure><img alt="training loss and validation PSNR by step" src="data:image/png;base64,{_coded(curves.read_bytes())}">
<figcaption>the run's curves.png</figcaption></figure>
<p>The pictures of lowest PSNR; the numbers of each: <a href="evaluation/index.html">evaluation</a>.</p>
{"".join(rows)}"""


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _figure(picture: U8, text: str) -> str:
    data = _coded(encode_png(picture))
    size = f'width="{picture.shape[1]}" height="{picture.shape[0]}"'
    source = f"data:image/png;base64,{data}"
    return f'<figure><img {size} alt="{escape(text)}" src="{source}"><figcaption>{escape(text)}</figcaption></figure>'


def _difference(more: U8, less: U8) -> U8:
    return np.clip((more.astype(np.int16) - less) * GAIN + 128, 0, 255).astype(np.uint8)


_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 1140px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { padding: .25rem .9rem .25rem 0; text-align: right; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
thead { border-bottom: 1px solid currentColor; }
.row { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; }
figcaption { font-size: .85rem; }
img { display: block; max-width: 100%; height: auto; }
"""
