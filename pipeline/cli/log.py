"""What -v prints and --log-file writes: the records of all loggers of rainclean, and what the command prints."""

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from pipeline.cli.common_flags import CommonFlags
from pipeline.stages import Progress
from pipeline.text_format import plain, quoted

_PACKAGES = ("rainclean", "pipeline", "gui", "benchmarks")
"""Loggers are named after their modules; those of other libraries stay silent."""

printed = logging.getLogger(f"{__name__}.printed")
"""Takes what a command has printed, for the file alone."""

_stages = logging.getLogger(f"{__name__}.stages")


@contextmanager
def logging_to(flags: CommonFlags, command: Sequence[str]) -> Iterator[None]:
    """Print and write log records while the block runs. Raises InputError for a file that cannot be written.

    command: what was typed; the first line of the file.
    """
    handlers: list[logging.Handler] = [_Terminal()] if flags.verbose else []
    if flags.log_file is not None:
        handlers.append(_file(flags))
    loggers = [logging.getLogger(name) for name in _PACKAGES] if handlers else []
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        for handler in handlers:
            logger.addHandler(handler)
    try:
        if handlers:
            from rainclean import __version__

            printed.info("rainclean %s: %s", __version__, " ".join(map(quoted, command)))
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
            for handler in handlers:
                logger.removeHandler(handler)
        for handler in handlers:
            with suppress(OSError, ValueError):
                handler.close()


def _file(flags: CommonFlags) -> logging.Handler:
    from rainclean.errors import InputError

    assert flags.log_file is not None
    try:
        handler = _File(flags.log_file, mode="a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise InputError(flags.log_file, f"cannot be written: {error.strerror}", "name another --log-file") from error
    handler.setFormatter(_Lines("%(asctime)s.%(msecs)03d %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S"))
    return handler


class _Lines(logging.Formatter):
    """Escapes control characters: names of files can hold them. A traceback keeps its lines."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(plain, super().format(record).splitlines()))


class _Terminal(logging.Handler):
    """Writes records to standard error, with the seconds since the command began."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._began = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != printed.name:
            with suppress(OSError, ValueError):
                sys.stderr.write(f"[{time.monotonic() - self._began:.2f} s] {plain(record.getMessage())}\n")


class _File(logging.FileHandler):
    """Says once that the file cannot be written any more, and lets the command go on."""

    _has_failed = False

    def handleError(self, record: logging.LogRecord) -> None:
        if not self._has_failed:
            self._has_failed = True
            with suppress(OSError, ValueError):
                sys.stderr.write(
                    plain(f"note: {self.baseFilename}: the log cannot be written: {sys.exc_info()[1]}") + "\n"
                )


class StageTimes:
    """Logs each stage with its time, when it ends. Stages of several parts may take turns."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[Progress, float]] = {}

    def show(self, step: Progress) -> None:
        """Take a step. Another stage of the same part ends the stage before it."""
        now = time.monotonic()
        last = self._running.get(step.part)
        if last is not None and last[0].stage != step.stage:
            self._log(*last, now)
        begun = last[1] if last is not None and last[0].stage == step.stage else now
        self._running[step.part] = step, begun

    def end(self) -> None:
        """Log the stages that have not ended."""
        for step, begun in self._running.values():
            self._log(step, begun, time.monotonic())
        self._running.clear()

    def _log(self, step: Progress, begun: float, ended: float) -> None:
        part = f"{step.part}: " if step.part else ""
        of = "" if step.total in (None, step.done) else f" of {step.total}"
        count = f"{step.done}{of} done in " if step.total is not None or step.done else ""
        _stages.info("%s%s: %s%.2f s", part, step.stage, count, ended - begun)
