"""The card of clips on the home page: how many in which state, which failed, which are missing."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui.command_buttons import in_window
from gui.design import GAP, PAD, SPACE, colours, sized
from gui.widgets import Label, as_tip, named
from pipeline.project.clips import Missing
from pipeline.project.model import Overview, State
from pipeline.text_format import counted

_STATES: tuple[tuple[State, str, str, str], ...] = (
    ("ready", "to judge", "Ready", "warn"),
    ("accepted", "accepted", "Accepted by a person", "good"),
    ("accepted automatically", "accepted automatically", "Accepted automatically", "good"),
    ("rejected", "rejected", "Rejected", "bad"),
    ("new", "not analysed", "New", "faint"),
    ("failed", "failed", "Failed", "bad"),
)
"""State, words after its number, filter of the list on the desk, colour of its mark."""

_SHOWN = 8
"""Lines of failed or missing clips that are shown."""


class ClipsCard(QFrame):
    """Show the clips of a project.

    Signals: `filter_chosen` with the name of a filter of the desk's list; `find_asked` for missing clips;
    `analyse_asked` with the names of sequences to analyse again.
    """

    filter_chosen = Signal(str)
    find_asked = Signal()
    analyse_asked = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("look", "card")
        self._title = Label("Clips")
        self._title.setFont(sized("title"))
        self._states = QHBoxLayout()
        self._states.setSpacing(GAP)
        self.chips: dict[str, QPushButton] = {}
        self._failed, self._missing = QVBoxLayout(), QVBoxLayout()
        column = QVBoxLayout(self)
        column.setContentsMargins(PAD, PAD, PAD, PAD)
        column.setSpacing(GAP)
        column.addWidget(self._title)
        column.addLayout(self._states)
        for part in (self._missing, self._failed):
            part.setSpacing(SPACE)
            column.addLayout(part)
        self.find_button = named(
            QPushButton("Find…"), "Find clips", "Search a folder for all clips that are not at their place"
        )
        self.find_button.clicked.connect(self.find_asked)
        self.find_button.setParent(self)
        self.again = named(QPushButton("Analyse again"), "Analyse again", "Analyse the sequences that failed (Ctrl+R)")
        self.again.setParent(self)
        self.again.clicked.connect(lambda: self.analyse_asked.emit(self._failed_names))
        self._failed_names: tuple[str, ...] = ()
        for button in (self.find_button, self.again):
            button.hide()

    def show_lines(self, lines: Sequence[Overview]) -> None:
        """Show the states of all sequences."""
        _clear(self._states)
        counts = Counter(line.state for line in lines)
        self.chips = {}
        for state, words, filter_name, colour in _STATES:
            if counts[state]:
                text = f"{counts[state]} {words}"
                chip = _Chip(text, colour)
                named(chip, text, f"List them on the desk: {filter_name.lower()}")
                chip.clicked.connect(partial(self.filter_chosen.emit, filter_name))
                self.chips[state] = chip
                self._states.addWidget(chip)
        self._states.addStretch(1)
        failed = [line for line in lines if line.state == "failed"]
        self._failed_names = tuple(line.sequence.name for line in failed)
        _fill(
            self._failed,
            f"{counted(len(failed), 'sequence')} could not be analysed",
            [(line.sequence.label, in_window(line.error)) for line in failed],
            self.again,
        )

    def show_missing(self, missing: Sequence[Missing]) -> None:
        """Show the clips whose files are not at their place."""
        is_one = len(missing) == 1
        _fill(
            self._missing,
            f"{counted(len(missing), 'clip')} {'is' if is_one else 'are'} not at {'its' if is_one else 'their'} place",
            [
                (
                    each.clip.path.name,
                    f"{'another file is now at' if each.changed else 'was at'} {each.clip.path}",
                )
                for each in missing
            ],
            self.find_button,
        )


class _Chip(QPushButton):
    """A number of sequences with the mark of their state."""

    def __init__(self, text: str, colour: str) -> None:
        super().__init__(f"    {text}")
        self._colour = colour

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the button, and the mark on it."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(colours(self.palette()), self._colour)))
        painter.drawEllipse(GAP + SPACE, (self.height() - GAP) // 2, GAP, GAP)


def _fill(into: QVBoxLayout, title: str, rows: Sequence[tuple[str, str]], button: QPushButton) -> None:
    """Show a title, rows of name and text, and a button; nothing where there are no rows."""
    button.setParent(into.parentWidget())
    _clear(into, keep=button)
    button.setVisible(bool(rows))
    if not rows:
        return
    head = QHBoxLayout()
    label = Label(title)
    label.setFont(sized("body", bold=True))
    label.setProperty("look", "warn")
    head.addWidget(label, 1)
    head.addWidget(button)
    into.addSpacing(GAP)
    into.addLayout(head)
    grid = QGridLayout()
    grid.setHorizontalSpacing(PAD)
    grid.setVerticalSpacing(SPACE)
    grid.setColumnStretch(1, 1)
    for row, (name, text) in enumerate(rows[:_SHOWN]):
        first, second = Label(name), Label(text, wordWrap=True)
        first.setMaximumWidth(240)
        first.setToolTip(as_tip(name))
        second.setProperty("look", "faint")
        second.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(first, row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(second, row, 1)
    into.addLayout(grid)
    if len(rows) > _SHOWN:
        into.addWidget(Label(f"and {len(rows) - _SHOWN} more"))


def _clear(layout: "QHBoxLayout | QVBoxLayout | QGridLayout", keep: QWidget | None = None) -> None:
    """Remove everything from a layout, except one widget that is used again."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None and widget is not keep:
            widget.hide()
            widget.deleteLater()
        elif isinstance(inner, QHBoxLayout | QVBoxLayout | QGridLayout):
            _clear(inner, keep)
