"""All actions in one table: what they are called, which keys give them, and when they can be given.

Menus, tooltips, the help page and the shortcuts are made from this table, so that they cannot contradict each other.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from gui.state import Session

When = Callable[[Session], bool]


def always(session: Session) -> bool:
    """Enabled at any time."""
    return True


def has_project(session: Session) -> bool:
    """Enabled where a project is open."""
    return session.project is not None


def selected(session: Session) -> bool:
    """Enabled where a sequence is selected."""
    return session.selected is not None


def not_blind(session: Session) -> bool:
    """Enabled where a sequence is selected and not judged blindly."""
    return session.selected is not None and not session.blind


def project_not_blind(session: Session) -> bool:
    """Enabled where a project is open and is not judged blindly."""
    return session.project is not None and not session.blind


def displayed(session: Session) -> bool:
    """Enabled where a candidate is shown."""
    return session.displayed is not None


@dataclass(frozen=True)
class Action:
    """One thing a person can do.

    Attributes:
        id: Name by which handlers know it.
        text: Menu entry.
        keys: The first is shown in menus; all work.
        tip: One line, without the key.
        when: Tells from the session whether it can be done now.
        group: The menu that it is in.
    """

    id: str
    text: str
    keys: tuple[str, ...]
    tip: str
    when: When = field(kw_only=True)
    group: str = field(default="", kw_only=True)


_BY_GROUP: dict[str, tuple[Action, ...]] = {
    "Project": (
        Action("new", "New project…", ("Ctrl+N",), "Make a project in an empty folder", when=always),
        Action("open", "Open project…", ("Ctrl+O",), "Open the folder of a project", when=always),
        Action("sample", "Open the sample project", (), "Four short clips to try everything with", when=always),
        Action("add", "Add clips…", ("Ctrl+I",), "Add video files; folders can be dropped, too", when=has_project),
        Action("add_folder", "Add a folder…", ("Ctrl+Shift+I",), "Add all clips below a folder", when=has_project),
        Action("analyze", "Analyse what is new", ("Ctrl+R",), "Make candidates where there are none", when=has_project),
        Action("auto", "Choose automatically", (), "Accept what is fit where no person decided", when=has_project),
        Action("import", "Import decisions…", (), "Merge what another annotator decided", when=project_not_blind),
        Action("export_decisions", "Export decisions…", (), "For another annotator's machine", when=has_project),
        Action("agreement", "Agreement and conflicts", ("Ctrl+G",), "Who agrees with whom", when=project_not_blind),
        Action("close", "Close project", ("Ctrl+W",), "Back to the start page", when=has_project),
        Action("quit", "Quit", ("Ctrl+Q",), "Close the window", when=always),
    ),
    "Go": (
        Action("next", "Next sequence", ("Down", "PgDown"), "Go to the next sequence in the list", when=has_project),
        Action(
            "previous", "Previous sequence", ("Up", "PgUp"), "Go to the previous sequence in the list", when=has_project
        ),
        Action(
            "undecided",
            "Nearest undecided sequence",
            ("Ctrl+Down",),
            "Go to the nearest undecided one",
            when=has_project,
        ),
        Action("next_candidate", "Next candidate", ("Right",), "Show the next candidate", when=selected),
        Action("previous_candidate", "Previous candidate", ("Left",), "Show the previous candidate", when=selected),
        *(
            Action(f"candidate_{n}", f"Candidate {n}", (str(n),), f"Show candidate {n} of the list", when=selected)
            for n in range(1, 10)
        ),
        Action("find", "Find a sequence", ("Ctrl+F",), "Search the list", when=has_project),
    ),
    "Decide": (
        Action("accept", "Accept", ("A",), "Accept what is shown and go on to the nearest undecided", when=displayed),
        Action("accept_stay", "Accept and stay", ("Shift+A",), "Accept what is shown; stay here", when=displayed),
        Action("reject", "Reject…", ("R",), "No candidate is fit for use; choose reasons", when=selected),
        Action("unset", "Unset", ("U",), "Take the decision back: undecided again", when=not_blind),
        Action("star", "Star", ("S",), "Mark the sequence", when=not_blind),
        Action("note", "Note", ("N",), "Write a note; Enter keeps it", when=not_blind),
        Action(
            "blind", "Second opinion", ("O",), "Judge blindly: by chance order, no names, no scores", when=has_project
        ),
    ),
    "Edit": (
        Action("undo", "Undo", ("Ctrl+Z",), "Take back your latest edit, strokes included", when=has_project),
        Action("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Redo what was undone", when=has_project),
    ),
    "Compare": (
        Action("wipe", "Wipe", ("W",), "Both in one picture, with a line between", when=selected),
        Action("side", "Side by side", ("G",), "Both beside each other", when=selected),
        Action("single", "Single", ("V",), "The candidate alone", when=selected),
        Action("difference", "Difference", ("D",), "Show the difference; again: the next kind", when=selected),
        Action("blink", "Blink", ("B",), "Change between both, once a press", when=selected),
        Action("blinking", "Blink by itself", ("Shift+B",), "Change between both twice a second", when=selected),
        Action("opponent", "Compare with this candidate", ("C",), "Again: with the rainy frame", when=displayed),
        Action(
            "confidence", "Expected error", ("M",), "Tint by it; again: the worst 5 %; then nothing", when=not_blind
        ),
        Action("places", "Places of the verdict", ("Shift+M",), "Tint where its reasons are", when=not_blind),
        Action("fit", "Fit", ("0", "F"), "The whole picture", when=selected),
        Action("actual", "1:1", ("Z",), "One pixel of the picture on one of the screen", when=selected),
        Action("zoom_in", "Zoom in", ("+", "="), "Larger", when=selected),
        Action("zoom_out", "Zoom out", ("-",), "Smaller", when=selected),
    ),
    "Frames": (
        Action("play", "Play", ("Ctrl+Space",), "Play the rainy frames", when=selected),
        Action("next_frame", "Next frame", (".",), "The next rainy frame", when=selected),
        Action("previous_frame", "Previous frame", (",",), "The rainy frame before", when=selected),
        Action("reference", "Reference frame", ("Home",), "The frame that the clean image stands for", when=selected),
    ),
    "Live": (
        Action("percentile_up", "Higher percentile", ("]",), "One percent more; with Shift a tenth", when=not_blind),
        Action("percentile_down", "Lower percentile", ("[",), "One percent less; with Shift a tenth", when=not_blind),
        Action("percentile_up_fine", "A tenth higher", ("}", "Shift+]"), "A tenth of a percent more", when=not_blind),
        Action("percentile_down_fine", "A tenth lower", ("{", "Shift+["), "A tenth of a percent less", when=not_blind),
        Action("frames_up", "More frames", ("Ctrl+]",), "Ten frames more", when=not_blind),
        Action("frames_down", "Fewer frames", ("Ctrl+[",), "Ten frames fewer", when=not_blind),
        Action(
            "keep", "Keep as a candidate", ("K",), "Save the current slider settings as a candidate", when=not_blind
        ),
    ),
    "Understand": (
        Action("pick", "Pixel", ("P",), "Why is this pixel so? Click one: its values over time", when=not_blind),
        Action("region", "Region", ("Q",), "What does this region vote? Drag a rectangle", when=not_blind),
        Action("region_keep", "Use the region's η* there", ("E",), "A candidate for this region", when=not_blind),
    ),
    "Compose": (
        Action("brush", "Brush", ("H",), "Paint with another candidate", when=not_blind),
        Action("rectangle", "Rectangle", ("T",), "Paint a rectangle", when=not_blind),
        Action("lasso", "Lasso", ("L",), "Paint what a line encloses", when=not_blind),
        Action("fill", "Fill", ("I",), "Paint what is alike around a pixel", when=not_blind),
        Action("exclude", "Exclude", ("X",), "Strokes mark what must not be trusted", when=not_blind),
        Action("erase", "Erase", ("Shift+X",), "Strokes take away", when=not_blind),
        Action("larger", "Larger brush", ("Ctrl++", "Ctrl+="), "A quarter more", when=not_blind),
        Action("smaller", "Smaller brush", ("Ctrl+-",), "A quarter less", when=not_blind),
        Action("suggest", "Next suggestion", ("J",), "Where candidates disagree; shows the next", when=not_blind),
        Action("take", "Take the suggestion", ("Y",), "Paint or exclude what is suggested", when=not_blind),
        Action("no_tool", "No tool", ("Esc",), "Put the tool away; leave the live picture", when=always),
    ),
    "Window": (
        Action("desk", "Desk", ("Ctrl+1",), "Compare and decide", when=has_project),
        Action("pairs", "Pairs and export", ("Ctrl+2",), "Frames for the pairs; write the data set", when=has_project),
        Action("training", "Training", ("Ctrl+3",), "Train SPANet on an export", when=always),
        Action("results", "Results", ("Ctrl+4",), "Evaluate, and see what came out worst", when=always),
        Action("jobs", "Jobs", ("Ctrl+5",), "What runs in the background", when=always),
        Action("help", "Keys", ("?", "F1"), "All keys", when=always),
    ),
}

TABLE = tuple(replace(action, group=group) for group, actions in _BY_GROUP.items() for action in actions)


@dataclass(frozen=True)
class HeldKey:
    """A key that acts while it is held. group: the menu that it belongs to."""

    key: str
    group: str
    tip: str


HELD = (HeldKey("Space", "Compare", "Show the rainy frame while the key is held"),)
"""Keys that act while they are held; the window listens for them itself."""

GROUPS = tuple(_BY_GROUP)

OF_DESK = frozenset(("Go", "Decide", "Compare", "Frames", "Live", "Understand", "Compose"))
"""Groups that act on what the desk shows: where the desk is out of sight, they would act unseen."""


class Actions(QObject):
    """The table as Qt actions. do: called with the id of the action that was given."""

    def __init__(self, session: Session, do: Callable[[str], object], parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._at_desk = True
        self.by_id: dict[str, QAction] = {}
        for action in TABLE:
            made = QAction(action.text, self)
            made.setShortcuts([QKeySequence(key) for key in action.keys])
            made.setToolTip(f"{action.tip} ({key_text(action)})" if action.keys else action.tip)
            made.setStatusTip(action.tip)
            made.triggered.connect(lambda _=False, name=action.id: do(name))
            self.by_id[action.id] = made
        for signal in (session.opened, session.selection_changed, session.displayed_changed, session.detail_changed):
            signal.connect(self.update)
        self.update()

    def __getitem__(self, action_id: str) -> QAction:
        return self.by_id[action_id]

    def of_group(self, group: str) -> Iterator[QAction]:
        """The actions of a group in their order."""
        return (self.by_id[action.id] for action in TABLE if action.group == group)

    def set_at_desk(self, at_desk: bool) -> None:
        """Whether the desk is in sight: without it, only what does not need it can be done."""
        if at_desk != self._at_desk:
            self._at_desk = at_desk
            self.update()

    def update(self) -> None:
        """Enable what can be done now."""
        for action in TABLE:
            here = self._at_desk or action.group not in OF_DESK
            self.by_id[action.id].setEnabled(here and action.when(self._session))


def key_text(action: Action) -> str:
    """The keys of an action as this system writes them."""
    return " or ".join(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in action.keys)
