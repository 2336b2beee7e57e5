"""The toolbar of the desk: icons with names, icons alone where the window is narrow, and what is active is lit."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QToolBar, QToolButton

from gui.actions import Actions
from gui.compare import Mode, Tool
from gui.design import ICON
from gui.state import Composition, ConfidenceView, Session

GROUPS = (
    ("wipe", "side", "single", "difference", "blink"),
    ("fit", "actual"),
    ("differ_most", "survey"),
    ("confidence", "places"),
    ("pick", "region"),
    ("panels",),
)
"""Ids of the actions in the toolbar, with a separator between groups."""

MODES = {
    "wipe": Mode.WIPE,
    "side": Mode.SIDE,
    "single": Mode.SINGLE,
    "difference": Mode.DIFFERENCE,
    "blink": Mode.BLINK,
}
TOOLS = ("brush", "rectangle", "lasso", "fill")

CHECKABLE = (
    *MODES, *TOOLS, "blinking", "compare_with", "confidence", "places", "pick", "region", "exclude", "erase",
    "all_candidates", "panels", "blind", "play", "fullscreen", "survey", "swap", "magnifier", "histogram",
)  # fmt: skip
"""Ids of the actions that are lit while they are active."""

SHORT = {
    "side": "Sides",
    "differ_most": "Differ",
    "survey": "Survey",
    "confidence": "Error",
    "places": "Areas",
    "panels": "Panels",
}
"""Id → a shorter text on the button than in the menu."""


class DeskToolbar(QToolBar):
    """Show the actions of GROUPS. The texts go where they do not fit."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setIconSize(QSize(ICON, ICON))
        self.setAccessibleName("Comparison")
        for number, group in enumerate(GROUPS):
            if number:
                self.addSeparator()
            for name in group:
                self.addAction(actions[name])
                button = self.widgetForAction(actions[name])
                if isinstance(button, QToolButton):
                    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                    if name in SHORT:
                        actions[name].setIconText(SHORT[name])
        self._texts = 0
        self.toolButtonStyleChanged.connect(lambda _: self._hide_text_of_actual(actions))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    def _hide_text_of_actual(self, actions: Actions) -> None:
        """Show 1:1 once: its icon and its text are the same."""
        button = self.widgetForAction(actions["actual"])
        if isinstance(button, QToolButton):
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the texts if all of them fit."""
        super().resizeEvent(event)
        if self.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextBesideIcon:
            self._texts = self.sizeHint().width()
        fits = self.width() >= self._texts
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if fits else Qt.ToolButtonStyle.ToolButtonIconOnly
        if style != self.toolButtonStyle():
            self.setToolButtonStyle(style)


class Lights:
    """Check the actions of what is active. Call `update` after each action: a triggered one checks itself."""

    def __init__(
        self, actions: Actions, session: Session, composition: Composition, confidence: ConfidenceView
    ) -> None:
        self._actions, self._session = actions, session
        self._composition, self._confidence = composition, confidence
        for name in CHECKABLE:
            actions[name].setCheckable(True)

    def update(self, mode: Mode, tool: Tool, **others: bool) -> None:
        """Check what is active.

        Args:
            mode: How two pictures are shown.
            tool: What the left button does.
            others: Whether an action of another kind is active, by its id.
        """
        brush = self._composition.brush
        lit = {name: mode is its for name, its in MODES.items()}
        lit |= {name: brush.tool == name for name in TOOLS}
        lit |= {"exclude": brush.excluding, "erase": brush.erasing}
        lit["pick"] = tool is Tool.PICK
        lit["region"] = tool is Tool.RECTANGLE and brush.tool is None
        lit["compare_with"] = self._session.compared_with is not None
        lit["confidence"] = bool(self._confidence.mode)
        lit["all_candidates"], lit["blind"] = self._session.all_listed, self._session.blind
        if others.get("survey"):
            lit |= dict.fromkeys(MODES, False)  # it covers the view
        for name, on in (lit | others).items():
            self._actions[name].setChecked(on)
