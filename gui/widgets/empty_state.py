"""What a page shows while it has nothing to show: one sentence, and one action."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from gui.design import GAP, PAD, icon, sized
from gui.widgets.basic import Label
from gui.widgets.wrapped import WrappedLabel

_ICON = 48
"""Side of the drawing, px."""


class EmptyState(QWidget):
    """A drawing, a sentence and a button.

    Signal `asked`: a person wants the action.
    """

    asked = Signal()

    def __init__(self, drawing: str, sentence: str = "", action: str = "", tip: str = "") -> None:
        """Make it.

        Args:
            drawing: Name of an icon.
            sentence: What is missing.
            action: Text of the button; without one there is no button.
            tip: Tooltip of the button.
        """
        super().__init__()
        self._drawing = drawing
        self._mark: QLabel = Label(alignment=Qt.AlignmentFlag.AlignHCenter)
        self.sentence = WrappedLabel()
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.sentence.setFont(sized("title"))
        self.button = QPushButton()
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self.asked)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAD, PAD, PAD, PAD)
        column.setSpacing(GAP)
        column.addStretch(1)
        column.addWidget(self._mark)
        column.addWidget(self.sentence)
        column.addSpacing(GAP)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)
        self.show_text(sentence, action, tip)

    def show_text(self, sentence: str, action: str = "", tip: str = "") -> None:
        """Show another sentence and action."""
        self._mark.setPixmap(icon(self._drawing).pixmap(_ICON, _ICON))
        self.sentence.setText(sentence)
        self.button.setText(action)
        self.button.setToolTip(tip or action)
        self.button.setVisible(bool(action))
