"""A tour of one minute on the sample project: each step asks for one thing, and goes on when it is done."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMainWindow, QPushButton, QVBoxLayout, QWidget

from gui.actions import Actions
from gui.design import GAP, PAD, RADIUS, colours, sized
from gui.widgets import Label, named

FOLLOW_MS = 400
"""Milliseconds between two looks at where the described part of the window is."""

WIDTH = 316
"""Width of the card, px: that of the panel beside the view in a small window."""


@dataclass(frozen=True)
class Step:
    """One thing to see or to do.

    Attributes:
        title: What it is about.
        text: What to see, and what to do.
        done_by: Ids of the actions that finish the step; without any, *Next* does.
        target: Name of the widget that is outlined: a key of the targets that the tour is given.
        only_if_done: Left out if the step before was not done: it takes that back.
    """

    title: str
    text: str
    done_by: tuple[str, ...] = ()
    target: str = ""
    _: KW_ONLY
    only_if_done: bool = False


STEPS = (
    Step(
        "Rainy and clean",
        "Left of the divider is a frame of the video, right of it a clean image that rainclean computed from all "
        "frames. Drag the divider.",
        target="view",
    ),
    Step(
        "Candidates",
        "Each clip gives several clean images, the best score first. Press Right to see the next one.",
        ("next_candidate", "previous_candidate"),
        "candidates",
    ),
    Step(
        "Look closely",
        "Turn the wheel over the picture to zoom. Z shows each pixel as one pixel of the screen, F the whole picture.",
        ("actual", "fit"),
        "view",
    ),
    Step(
        "Hold Space",
        "Hold Space to see the rainy frame in place of the clean image: leftover streaks and lost detail show at once.",
        target="view",
    ),
    Step(
        "Accept",
        "Press A to accept the candidate you see. The next clip comes by itself. The decision is stored in this "
        "project, and the next step takes it back. Next goes on without a decision.",
        ("accept", "accept_stay"),
        "decide",
    ),
    Step(
        "Undo",
        "Press Ctrl+Z to take the decision back. Every decision can be undone, today or next year.",
        ("undo",),
        "decide",
        only_if_done=True,
    ),
    Step(
        "Pairs",
        "Accept what you like. Then Ctrl+2 shows the pairs that an export will write for training.",
        ("pairs",),
        "tabs",
    ),
    Step(
        "That is all",
        "Press ? to see all keys. Drop your own clips on the window to begin.",
    ),
)


class Tour(QObject):
    """Shows one step after another in a card over the window."""

    def __init__(self, window: QMainWindow, actions: Actions, targets: Mapping[str, QWidget]) -> None:
        """Make the tour; `start` shows it.

        Args:
            window: Window that the card floats in.
            actions: Actions whose triggering finishes a step.
            targets: The widget that a step describes, by the step's target.
        """
        super().__init__(window)
        self._window, self._targets = window, targets
        self.place = -1
        self.card = _Card(window)
        self._outline = _Outline(window)
        self.card.next.clicked.connect(lambda: self._go(1))
        self.card.back.clicked.connect(lambda: self._go(-1))
        self.card.end.clicked.connect(self.end)
        for name in {name for step in STEPS for name in step.done_by}:
            actions[name].triggered.connect(lambda _=False, name=name: self._on_action(name))
        self._follow = QTimer(self)
        self._follow.setInterval(FOLLOW_MS)
        self._follow.timeout.connect(self._put)
        window.installEventFilter(self)

    @property
    def is_running(self) -> bool:
        """Return whether a step is shown."""
        return self.place >= 0

    def start(self) -> None:
        """Show the first step."""
        self.show_step(0)

    def end(self) -> None:
        """Hide the tour."""
        self.place = -1
        self._follow.stop()
        self.card.hide()
        self._outline.hide()

    def show_step(self, place: int) -> None:
        """Show a step; after the last one the tour ends."""
        if not 0 <= place < len(STEPS):
            self.end()
            return
        self.place = place
        self.card.show_step(place)
        self._put()
        self._follow.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt: keep the card in its corner when the window's size changes."""
        if self.is_running and event.type() == QEvent.Type.Resize:
            self._put()
        return False

    def _go(self, by: int) -> None:
        """Go on or back without doing the step."""
        place = self.place + by
        while 0 <= place < len(STEPS) and STEPS[place].only_if_done:
            place += by
        self.show_step(place)

    def _on_action(self, name: str) -> None:
        if self.is_running and name in STEPS[self.place].done_by:
            self.show_step(self.place + 1)

    def _put(self) -> None:
        """Put the outline around what the step describes, and the card into the corner that covers least of it."""
        if not self.is_running:
            return
        self.card.adjustSize()
        described = self._rect_of(STEPS[self.place].target)
        self.card.move(self._corner(described))
        self._outline.setVisible(not described.isNull())
        if not described.isNull():
            self._outline.setGeometry(described.adjusted(-3, -3, 3, 3))
            self._outline.raise_()
        self.card.show()
        self.card.raise_()

    def _corner(self, described: QRect) -> QPoint:
        """Return where the card covers least of what the step describes, then least of the decision."""
        centre = self._window.centralWidget()
        area = centre.geometry() if centre is not None else self._window.rect()
        decision, size = self._rect_of("decide"), self.card.size()
        left, right = area.left() + GAP, area.right() - size.width() - GAP
        bottom = area.bottom() - size.height() - PAD
        top = area.top() + PAD
        above = min(bottom, decision.top() - size.height() - PAD) if not decision.isNull() else bottom
        places = [QPoint(x, y) for y in (bottom, above, top) for x in (left, right)]

        def covered(corner: QPoint, part: QRect) -> int:
            common = QRect(corner, size).intersected(part)
            return common.width() * common.height()

        return min(places, key=lambda corner: (covered(corner, described), covered(corner, decision)))

    def _rect_of(self, name: str) -> QRect:
        """Return the place of a target in the window; a null rectangle if there is none on show."""
        target = self._targets.get(name)
        if target is None or not target.isVisible():
            return QRect()
        return QRect(target.mapTo(self._window, QPoint(0, 0)), target.size())


class _Card(QFrame):
    """The text of a step, with buttons."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("look", "card")
        self.setAccessibleName("Tour")
        self.setFixedWidth(WIDTH)
        self._count, self._title, self._text = Label(), Label(), Label(wordWrap=True)
        self._count.setProperty("look", "faint")
        self._title.setFont(sized("title", bold=True))
        self.end = named(QPushButton("End tour"), "End tour", "Close the tour; Help starts it again")
        self.back = named(QPushButton("Back"), "Back", "Show the step before")
        self.next = named(QPushButton("Next"), "Next", "Show the next step")
        self.next.setProperty("look", "main")
        for button in (self.end, self.back, self.next):
            # Keys belong to what the tour explains.
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.end)
        row.addStretch(1)
        row.addWidget(self.back)
        row.addWidget(self.next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, PAD)
        layout.setSpacing(GAP)
        for widget in (self._count, self._title, self._text):
            layout.addWidget(widget)
        layout.addSpacing(GAP)
        layout.addLayout(row)
        self.hide()

    def show_step(self, place: int) -> None:
        """Show the text of a step."""
        step = STEPS[place]
        self._count.setText(f"Tour, step {place + 1} of {len(STEPS)}")
        self._title.setText(step.title)
        self._text.setText(step.text)
        self._text.setMinimumHeight(self._text.heightForWidth(WIDTH - 2 * PAD))
        self.back.setEnabled(place > 0)
        self.next.setText("Next" if place < len(STEPS) - 1 else "Done")


class _Outline(QWidget):
    """A frame around a part of the window; the mouse does not notice it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours(self.palette()).warn), 3))
        painter.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), RADIUS, RADIUS)
