"""What a training run has written so far, read bit by bit while another process writes it. No window here."""

import csv
import os
import time
from pathlib import Path

from gui.jobs import JobProgress
from pipeline.stages import Progress
from pipeline.training import COLUMNS, RunRecord, run_folder

Series = tuple[list[int], list[float]]


class RunWatch:
    """Follows a run folder. Raises InputError where a folder is no run, or run.json is damaged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record: RunRecord = run_folder.read(folder)
        self.rows: list[dict[str, str]] = []
        self._file: tuple[int, int] | None = None
        self._read = 0
        self._progress = JobProgress("train")

    @property
    def steps(self) -> int:
        """How many steps the run will have."""
        return self.record.recipe.steps

    @property
    def step(self) -> int:
        """The last step that is written down."""
        return int(self.rows[-1]["step"]) if self.rows else 0

    @property
    def is_finished(self) -> bool:
        """Whether all steps are done and kept."""
        return self.step >= self.steps

    def poll(self) -> bool:
        """Read what is new; whether there was anything."""
        path = self.folder / run_folder.METRICS
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                fresh = (found.st_dev, found.st_ino) != self._file or found.st_size < self._read
                if fresh:  # a run that goes on writes the file anew, without the steps that it will repeat
                    self._file, self._read, self.rows = (found.st_dev, found.st_ino), 0, []
                file.seek(self._read)
                new = file.read()
        except OSError:
            return False
        whole = new[: new.rfind(b"\n") + 1]  # a line may be written in two pieces
        self._read += len(whole)
        lines = whole.decode("utf-8", "replace").splitlines()
        rows = [dict(zip(COLUMNS, values, strict=True)) for values in csv.reader(lines) if len(values) == len(COLUMNS)]
        rows = [row for row in rows if row["step"].isdigit()]
        self.rows += rows
        if rows:
            self._progress.add_step(Progress("train", self.step, self.steps), time.monotonic())
        return bool(rows) or fresh

    def seconds_left(self) -> float | None:
        """Estimated from the rows that came while this was watched."""
        return None if self.is_finished else self._progress.seconds_left(time.monotonic())

    def seconds_since(self) -> float | None:
        """Since anything was written; None where nothing was."""
        try:
            return max(0.0, time.time() - (self.folder / run_folder.METRICS).stat().st_mtime)
        except OSError:
            return None

    def series(self, column: str) -> Series:
        """Steps and values of a column, where it has one."""
        known = [(int(row["step"]), value) for row in self.rows if (value := _number(row[column])) is not None]
        return [step for step, _ in known], [value for _, value in known]

    def picture(self) -> tuple[Path, int] | None:
        """The validation picture and when it was written, in ns; None before there is one."""
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
