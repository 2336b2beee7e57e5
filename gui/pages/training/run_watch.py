"""Read what a training run has written so far, step by step while another process writes it."""

import csv
import os
import time
from pathlib import Path

from gui.jobs import JobProgress
from pipeline.stages import Progress
from pipeline.training import COLUMNS, RunRecord, run_folder

Series = tuple[list[int], list[float]]


class RunWatch:
    """Follow the folder of a run.

    Raises:
        InputError: if the folder is not a run, or its run.json is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record: RunRecord = run_folder.read(folder)
        self.rows: list[dict[str, str]] = []
        self._file: tuple[int, int] | None = None
        self._read = 0
        self._progress = JobProgress("train")

    @property
    def steps(self) -> int:
        """The number of steps of the whole run."""
        return self.record.recipe.steps

    @property
    def step(self) -> int:
        """The last step that is written."""
        return int(self.rows[-1]["step"]) if self.rows else 0

    @property
    def is_finished(self) -> bool:
        """Whether all steps are done and written."""
        return self.step >= self.steps

    def poll(self) -> bool:
        """Read what was written since the last call.

        Returns:
            Whether there was anything new.
        """
        path = self.folder / run_folder.METRICS
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                replaced = (status.st_dev, status.st_ino) != self._file or status.st_size < self._read
                if replaced:  # a resumed run writes a new file, without the steps that it will repeat
                    self._file, self._read, self.rows = (status.st_dev, status.st_ino), 0, []
                file.seek(self._read)
                new = file.read()
        except OSError:
            return False
        complete = new[: new.rfind(b"\n") + 1]  # a line may be written in two pieces
        self._read += len(complete)
        lines = complete.decode("utf-8", "replace").splitlines()
        rows = [dict(zip(COLUMNS, values, strict=True)) for values in csv.reader(lines) if len(values) == len(COLUMNS)]
        rows = [row for row in rows if row["step"].isdigit()]
        self.rows += rows
        if rows:
            self._progress.add_step(Progress("train", self.step, self.steps), time.monotonic())
        return bool(rows) or replaced

    def seconds_left(self) -> float | None:
        """Return the estimated seconds left, from the rows read so far; None if finished or unknown."""
        return None if self.is_finished else self._progress.seconds_left(time.monotonic())

    def seconds_since(self) -> float | None:
        """Return the seconds since the last row was written; None before the first."""
        try:
            return max(0.0, time.time() - (self.folder / run_folder.METRICS).stat().st_mtime)
        except OSError:
            return None

    def series(self, column: str) -> Series:
        """Return steps and values of a column, without the rows that have no value."""
        known = [(int(row["step"]), value) for row in self.rows if (value := _number(row[column])) is not None]
        return [step for step, _ in known], [value for _, value in known]

    def picture(self) -> tuple[Path, int] | None:
        """Return the validation picture and when it was written, ns; None before there is one."""
        path = self.folder / run_folder.VALIDATION
        try:
            return path, path.stat().st_mtime_ns
        except OSError:
            return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
