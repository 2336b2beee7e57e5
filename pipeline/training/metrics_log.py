"""metrics.csv and curves.png of a run: the same rows as a table and as a picture."""

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, Self

from pipeline.training.run_folder import put, put_by

COLUMNS = (
    "step", "learning_rate", "loss", "loss_l1", "loss_ssim", "loss_attention",
    "validation_protocol", "validation_psnr_db", "validation_ssim", "validation_rainy_psnr_db",
)  # fmt: skip
"""loss…: means over the steps since the row before, and over all devices. validation…: of the validation pictures."""


@dataclass(frozen=True, kw_only=True)
class MetricsRow:
    """A row of metrics.csv; None where a column stays empty."""

    step: int
    learning_rate: float | None = None
    loss: float | None = None
    loss_l1: float | None = None
    loss_ssim: float | None = None
    loss_attention: float | None = None
    validation_protocol: str | None = None
    validation_psnr_db: float | None = None
    validation_ssim: float | None = None
    validation_rainy_psnr_db: float | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self | None:
        """Return the row that `to_json` gave, None for an empty document. Raises TypeError for anything else."""
        return cls(**document) if document else None

    def to_json(self) -> dict[str, Any]:
        """Return the columns that are not empty."""
        return {column: value for column, value in asdict(self).items() if value is not None}


class Series(NamedTuple):
    """Values of one column, and the steps of their rows."""

    steps: list[int]
    values: list[float]


class MetricsLog:
    """Rows by step, each written when it is known. A run that is resumed at step n drops later rows."""

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        self.rows = [row for row in _read(path) if int(row["step"]) <= step and step > 0]
        text = StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        put(path, text.getvalue().encode())

    def add(self, metrics: MetricsRow) -> None:
        """Append a row."""
        values = metrics.to_json()
        row = {column: _text(values.get(column, "")) for column in COLUMNS}
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(row)

    def series(self, column: str) -> Series:
        """Return the values of a column, where it is not empty."""
        known = [(int(row["step"]), float(row[column])) for row in self.rows if row[column]]
        return Series([step for step, _ in known], [value for _, value in known])

    def draw(self, path: Path) -> None:
        """Draw the losses, and the validation PSNR beside that of the rainy pictures, into a PNG."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10, 4), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        for column, label in (
            ("loss", "all"),
            ("loss_l1", "L1"),
            ("loss_ssim", "1 − SSIM"),
            ("loss_attention", "attention"),
        ):
            left.plot(*self.series(column), label=label, linewidth=1)
        left.set(xlabel="step", title="training loss", yscale="log")
        protocol = next((row["validation_protocol"] for row in self.rows if row["validation_protocol"]), "")
        right.plot(*self.series("validation_psnr_db"), label="output", marker=".")
        right.plot(*self.series("validation_rainy_psnr_db"), label="rainy input", linestyle="--")
        right.set(xlabel="step", ylabel="PSNR, dB", title=f"validation, protocol {protocol}")
        for axes in (left, right):
            if axes.has_data():
                axes.legend(frameon=False)
            axes.grid(alpha=0.3)
        put_by(path, lambda partial: figure.savefig(partial, dpi=100, format="png"))


def _read(path: Path) -> list[dict[str, str]]:
    """Read the rows of an earlier part of a run; drop a last line that a kill cut off."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if tuple(row) == COLUMNS and None not in row.values() and row["step"].isdigit()]


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
