"""Fields for one property of one or several sequences. Where these differ, a field stays as it is unless changed."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QCompleter, QLineEdit, QSpinBox, QWidget

from gui.design import icon
from gui.widgets import named

DIFFERENT = "different values"


class TextField(QObject):
    """One line of text, with entries to choose from if there are some.

    Signals: `changed` whenever the text changes.

    Attributes:
        widget: What is put into the form.
        edit: Where text is typed.
    """

    changed = Signal()

    def __init__(self, name: str, values: Sequence[str], tip: str, offers: Sequence[str] | None = None) -> None:
        """Make a field.

        Args:
            name: For screen readers.
            values: The present value of each sequence.
            tip: Tooltip.
            offers: Entries of a list below the field; None for no list.
        """
        super().__init__()
        self._common = values[0] if len(set(values)) == 1 else None
        self._cleared = False
        self.widget: QWidget
        if offers is None:
            self.edit = QLineEdit()
            self.widget = self.edit
        else:
            box = QComboBox(editable=True, insertPolicy=QComboBox.InsertPolicy.NoInsert)
            box.addItems(list(offers))
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
            completer = QCompleter(list(offers), box)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
            box.setCompleter(completer)
            edit = box.lineEdit()
            assert edit is not None
            self.edit, self.widget = edit, box
            named(edit, name, tip)
        named(self.widget, name, tip)
        self.edit.setText(self._common or "")
        self.edit.setCursorPosition(0)
        if self._common is None:
            self.edit.setPlaceholderText(DIFFERENT)
            clear = QAction(icon("close"), "Clear for all", self.edit)
            clear.setToolTip("Clear for all these sequences")
            clear.triggered.connect(self._clear)
            self.edit.addAction(clear, QLineEdit.ActionPosition.TrailingPosition)
        self.edit.textChanged.connect(self.changed)

    @property
    def value(self) -> str | None:
        """Return the new text; None if it is unchanged."""
        text = " ".join(self.edit.text().split())
        if self._common is None:
            return text or ("" if self._cleared else None)
        return None if text == self._common else text

    def _clear(self) -> None:
        self.edit.clear()
        self._cleared = True
        self.edit.setPlaceholderText("cleared for all")
        self.changed.emit()


class NumberField(QSpinBox):
    """A whole number. Of different values it says so instead, until it is changed."""

    def __init__(self, name: str, values: Sequence[int], numbers: range, tip: str) -> None:
        """Make a field.

        Args:
            name: For screen readers.
            values: The present value of each sequence.
            numbers: Those that can be chosen.
            tip: Tooltip.
        """
        super().__init__()
        named(self, name, tip)
        least, most = numbers[0], numbers[-1]
        self._common = values[0] if len(set(values)) == 1 else None
        self._least = least
        # While it says "different values" the number is one that nobody can mean.
        self.setRange(least if self._common is not None else least - 1, most)
        if self._common is None:
            self.setSpecialValueText(DIFFERENT)
        self.setValue(least - 1 if self._common is None else self._common)
        self.setAccelerated(True)

    @property
    def number(self) -> int | None:
        """Return the number; None while values differ."""
        return self.value() if self.value() >= self._least else None

    @property
    def changed_to(self) -> int | None:
        """Return the new number; None if it is unchanged."""
        return None if self.number == self._common else self.number
