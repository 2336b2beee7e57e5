"""The question before an automatic choice: how many sequences it would accept, and which stay undecided."""

import re
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from pipeline.project.decisions import AutoPlan
from pipeline.text_format import counted


class AutomaticQuestion(QMessageBox):
    """Ask whether to accept what is fit.

    Attributes:
        accept_button: Accepts; None where there is nothing to accept.
    """

    def __init__(self, parent: QWidget, plan: AutoPlan) -> None:
        super().__init__(
            QMessageBox.Icon.Question if plan.fit else QMessageBox.Icon.Information,
            "Choose automatically",
            question(plan),
            QMessageBox.StandardButton.NoButton,
            parent,
        )
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setInformativeText(remainder(plan))
        self.accept_button: QPushButton | None = None
        if plan.fit:
            self.accept_button = self.addButton(f"Accept {plan.fit}", QMessageBox.ButtonRole.AcceptRole)
            self.accept_button.setProperty("look", "main")
            self.style().unpolish(self.accept_button)  # it was polished when it was added
            self.style().polish(self.accept_button)
            self.setDefaultButton(self.accept_button)
            self.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        else:
            self.addButton("Close", QMessageBox.ButtonRole.RejectRole)


def question(plan: AutoPlan) -> str:
    """Return what is asked, or that there is nothing to do."""
    if not plan.fit:
        return "There is nothing to accept automatically: no undecided sequence has the verdict fit."
    if plan.fit == 1:
        return "Accept the first candidate of 1 sequence that is fit?"
    return f"Accept the first candidate of {plan.fit} sequences that are fit?"


def remainder(plan: AutoPlan) -> str:
    """Return what stays undecided, and why; "" where nothing does."""
    undecided = [
        (plan.look, "needs a look", "need a look"),
        (plan.unfit, "is unfit", "are unfit"),
        (plan.not_judged, "has no verdict", "have no verdict"),
        (plan.outdated, "was changed since the analysis", "were changed since the analysis"),
        (plan.not_analysed, "is not analysed", "are not analysed"),
        (plan.failed, "could not be analysed", "could not be analysed"),
    ]
    parts = [f"{number} {one if number == 1 else several}" for number, one, several in undecided if number]
    if not parts:
        return "Ctrl+Z undoes it in one step." if plan.fit else ""
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    total = sum(number for number, _, _ in undecided)
    stay = "it stays undecided" if total == 1 else "they stay undecided"
    return f"{listed}; {stay}." + (" Ctrl+Z undoes the choice in one step." if plan.fit else "")


def report(title: str, result: Mapping[str, Any]) -> str:
    """Return a line on an automatic choice, with the key that undoes it.

    Args:
        title: Title of the job.
        result: What the command printed as JSON.
    """
    accepted = len(result.get("chosen") or ())
    words = [re.sub(r" \(--[^)]*\)", "", line) for line in result.get("words") or ()]
    done = f"{counted(accepted, 'sequence')} accepted. Ctrl+Z undoes it." if accepted else "nothing was accepted"
    return "; ".join([f"{title}: {done}", *words[1:]])
