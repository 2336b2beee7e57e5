"""Texts of the home page: what came out of an activity, when it was, what its buttons do. No Qt."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from gui.jobs import best_validation, duration_text
from pipeline.project.activities import Activity
from pipeline.text_format import counted, few

KINDS = {"export": "Export", "training": "Training", "evaluation": "Evaluation"}

STATES = {"running": "Running", "finished": "Finished", "failed": "Failed", "interrupted": "Interrupted"}

LOOKS = {"running": "", "finished": "good", "failed": "bad", "interrupted": "warn"}
"""State of an activity → look of the label that says it."""

PAGES = {"export": "pairs", "training": "training", "evaluation": "results"}
"""Kind of an activity → page that shows it."""

_FIGURES: dict[str, Callable[[Any], str]] = {
    "pairs": lambda value: counted(_total(value), "pair"),
    "scenes": lambda value: counted(_total(value), "scene"),
    "pictures": lambda value: counted(_total(value), "image"),
    "steps": lambda value: counted(_total(value), "step"),
    "step": lambda value: f"step {_total(value)}",
    "best_psnr": lambda value: f"best validation {float(value):.2f} dB",
    "psnr": lambda value: f"PSNR {float(value):.2f} dB",
    "psnr_db": lambda value: _scores(value) if isinstance(value, dict) else f"PSNR {float(value):.2f} dB",
    "rainy_psnr_db": lambda value: f"rainy input {float(value):.2f} dB",
    "validation_psnr_db": lambda value: f"validation {float(value):.2f} dB",
    "ssim": lambda value: f"SSIM {float(value):.4f}",
}
"""Key of a summary → its figure with its unit. Other keys are not shown."""


def figures(summary: dict[str, Any]) -> str:
    """Return what came out, with units: ``1204 pairs · 36 scenes``. "" where nothing is known."""
    parts = []
    for key, text in _FIGURES.items():
        if key == "step" and summary.get("steps") == summary.get("step"):
            continue  # it is at its end
        if key in summary:
            try:
                if key == "best_psnr" and "best_step" in summary:
                    parts.append(best_validation(float(summary[key]), _total(summary["best_step"])))
                else:
                    parts.append(text(summary[key]))
            except (TypeError, ValueError, KeyError, AttributeError, StopIteration):
                continue
    return " · ".join(parts)


def _scores(value: dict[str, dict[str, float | None]]) -> str:
    """Return the mean PSNR of each method by the first protocol, dB."""
    protocol = next(iter(next(iter(value.values()))))
    means = [(method, by[protocol]) for method, by in value.items()]
    listed = few([f"{method} {mean:.2f} dB" for method, mean in means if mean is not None], 4)
    return f"PSNR ({protocol}): {listed}"


def when(activity: Activity) -> str:
    """Return when an activity ended, or began, and how long it took: ``2026-11-29 14:05, 12 min 5 s``."""
    started, ended = _time(activity.started), _time(activity.ended)
    at = ended or started
    if at is None:
        return ""
    text = at.astimezone().strftime("%Y-%m-%d %H:%M")
    if started is not None and ended is not None:
        text += f", {duration_text((ended - started).total_seconds())}"
    return text


def _total(value: Any) -> int:
    """Return a number, or the sum of the numbers of the splits."""
    return int(sum(value.values()) if isinstance(value, dict) else value)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
