"""metrics.csv and curves.png of a run: the same rows for a person, a table and a picture."""

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from pipeline.training.run_folder import put, put_by

COLUMNS = (
    "step", "learning_rate", "loss", "loss_l1", "loss_ssim", "loss_attention",
    "validation_protocol", "validation_psnr_db", "validation_ssim", "validation_rainy_psnr_db",
)  # fmt: skip
"""loss…: means over the steps since the row before, and over all devices. validation…: of the pictures that the run
is judged by."""


class MetricsLog:
    """Rows by step, each written when it is known. A run that goes on from step n forgets later rows."""

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        self.rows = [row for row in _read(path) if int(row["step"]) <= step and step > 0]
        text = StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        put(path, text.getvalue().encode())

    def add(self, values: Mapping[str, Any]) -> None:
        """Append a row; columns that are not given stay empty."""
        row = {column: _text(values.get(column, "")) for column in COLUMNS}
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(row)

    def series(self, column: str) -> tuple[list[int], list[float]]:
        """Steps and values of a column, where it has one."""
        known = [(int(row["step"]), float(row[column])) for row in self.rows if row[column]]
        return [step for step, _ in known], [value for _, value in known]

    def draw(self, path: Path) -> None:
        """Losses, and validation PSNR beside that of the rainy pictures."""
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
    """Rows of an earlier part of a run; a last line that a kill cut off is dropped."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if tuple(row) == COLUMNS and None not in row.values() and row["step"].isdigit()]


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
