"""Networks of the user in the window: what a person types, and the question before code of a stored run is run."""

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from gui.widgets import typed_paths


def network_problem(text: str) -> str:
    """Return why a typed network cannot be used and what to do, "" where nothing speaks against it.

    Args:
        text: ``FILE.py:FUNCTION`` or ``MODULE:FUNCTION``; "" for SPANet.
    """
    if not text:
        return ""
    module, _, function = text.rpartition(":")
    if not module or not function.isidentifier():
        return f"{typed_paths.shortened(Path(text))}: add the function that makes the network, such as unet.py:unet."
    return typed_paths.problem_of(Path(module), "file") if module.endswith(".py") else ""


def networks_in(arguments: Sequence[str]) -> list[str]:
    """Return the networks that a command names."""
    if "--network" not in arguments:
        return []
    words = arguments[arguments.index("--network") + 1 :]
    return list(takewhile(lambda word: not word.startswith("-"), words))


def may_run(parent: QWidget, arguments: Sequence[str]) -> bool:
    """Ask whether the code of a network may run that a stored command names; True where it names none."""
    networks = networks_in(arguments)
    if not networks:
        return True
    network = " and ".join(networks)
    question = QMessageBox(
        QMessageBox.Icon.Warning, "Run the code of a network", f"Run the code of {network}?",
        QMessageBox.StandardButton.NoButton, parent,
    )  # fmt: skip
    question.setTextFormat(Qt.TextFormat.PlainText)
    question.setInformativeText("This work needs a network that is not part of rainclean. Run only code you trust.")
    run = question.addButton("Run", QMessageBox.ButtonRole.AcceptRole)
    question.setDefaultButton(question.addButton("Cancel", QMessageBox.ButtonRole.RejectRole))
    question.exec()
    return question.clickedButton() is run
