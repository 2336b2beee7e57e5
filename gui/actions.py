"""All actions in one table: what they are called, which keys give them, and when they can be given.

Menus, tooltips, the help page and the shortcuts are made from this table, so that they cannot contradict each other.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from gui.state import Session

When = Callable[[Session], bool]


def always(session: Session) -> bool:
    """Enabled at any time."""
    return True


def opened(session: Session) -> bool:
    """Enabled where a project is open."""
    return session.project is not None


def selected(session: Session) -> bool:
    """Enabled where a sequence is selected."""
    return session.selected is not None


def seeing(session: Session) -> bool:
    """Enabled where a sequence is selected and not judged blindly."""
    return session.selected is not None and not session.blind


def open_eyed(session: Session) -> bool:
    """Enabled where a project is open and is not judged blindly."""
    return session.project is not None and not session.blind


def shown(session: Session) -> bool:
    """Enabled where a candidate is shown."""
    return session.displayed is not None


@dataclass(frozen=True)
class Action:
    """One thing a person can do. keys: the first is shown in menus; all work. tip: one line, without the key."""

    id: str
    group: str
    text: str
    keys: tuple[str, ...]
    when: When
    tip: str


TABLE: tuple[Action, ...] = (
    Action("new", "Project", "New project…", ("Ctrl+N",), always, "Make a project in an empty folder"),
    Action("open", "Project", "Open project…", ("Ctrl+O",), always, "Open the folder of a project"),
    Action("sample", "Project", "Open the sample project", (), always, "Four short clips to try everything with"),
    Action("add", "Project", "Add clips…", ("Ctrl+I",), opened, "Add video files; folders can be dropped, too"),
    Action("add_folder", "Project", "Add a folder…", ("Ctrl+Shift+I",), opened, "Add all clips below a folder"),
    Action("analyze", "Project", "Analyse what is new", ("Ctrl+R",), opened, "Make candidates where there are none"),
    Action("auto", "Project", "Choose automatically", (), opened, "Accept what is fit where no person decided"),
    Action("import", "Project", "Import decisions…", (), open_eyed, "Merge what another annotator decided"),
    Action("export_decisions", "Project", "Export decisions…", (), opened, "For another annotator's machine"),
    Action("agreement", "Project", "Agreement and conflicts", ("Ctrl+G",), open_eyed, "Who agrees with whom"),
    Action("close", "Project", "Close project", ("Ctrl+W",), opened, "Back to the start page"),
    Action("quit", "Project", "Quit", ("Ctrl+Q",), always, "Close the window"),
    Action("next", "Go", "Next sequence", ("Down", "PgDown"), opened, "Go to the next sequence of the list"),
    Action("previous", "Go", "Previous sequence", ("Up", "PgUp"), opened, "Go to the previous sequence of the list"),
    Action("undecided", "Go", "Nearest undecided sequence", ("Ctrl+Down",), opened, "Go to the nearest undecided one"),
    Action("next_candidate", "Go", "Next candidate", ("Right",), selected, "Show the next candidate"),
    Action("previous_candidate", "Go", "Previous candidate", ("Left",), selected, "Show the previous candidate"),
    *(
        Action(f"candidate_{n}", "Go", f"Candidate {n}", (str(n),), selected, f"Show candidate {n} of the list")
        for n in range(1, 10)
    ),
    Action("find", "Go", "Find a sequence", ("Ctrl+F",), opened, "Search the list"),
    Action("accept", "Decide", "Accept", ("A",), shown, "Accept what is shown and go on to the nearest undecided"),
    Action("accept_stay", "Decide", "Accept and stay", ("Shift+A",), shown, "Accept what is shown; stay here"),
    Action("reject", "Decide", "Reject…", ("R",), selected, "No candidate is fit for use; choose reasons"),
    Action("unset", "Decide", "Unset", ("U",), seeing, "Take the decision back: undecided again"),
    Action("star", "Decide", "Star", ("S",), seeing, "Mark the sequence"),
    Action("note", "Decide", "Note", ("N",), seeing, "Write a note; Enter keeps it"),
    Action("blind", "Decide", "Second opinion", ("O",), opened, "Judge blindly: by chance order, no names, no scores"),
    Action("undo", "Edit", "Undo", ("Ctrl+Z",), opened, "Take back your latest edit, strokes included"),
    Action("redo", "Edit", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), opened, "Redo what was undone"),
    Action("wipe", "Compare", "Wipe", ("W",), selected, "Both in one picture, with a line between"),
    Action("side", "Compare", "Side by side", ("G",), selected, "Both beside each other"),
    Action("single", "Compare", "Single", ("V",), selected, "The candidate alone"),
    Action("difference", "Compare", "Difference", ("D",), selected, "Show the difference; again: the next kind"),
    Action("blink", "Compare", "Blink", ("B",), selected, "Change between both, once a press"),
    Action("blinking", "Compare", "Blink by itself", ("Shift+B",), selected, "Change between both twice a second"),
    Action("opponent", "Compare", "Compare with this candidate", ("C",), shown, "Again: with the rainy frame"),
    Action("confidence", "Compare", "Expected error", ("M",), seeing, "Tint by it; again: the worst 5 %; then nothing"),
    Action("places", "Compare", "Places of the verdict", ("Shift+M",), seeing, "Tint where its reasons are"),
    Action("fit", "Compare", "Fit", ("0", "F"), selected, "The whole picture"),
    Action("actual", "Compare", "1:1", ("Z",), selected, "One pixel of the picture on one of the screen"),
    Action("zoom_in", "Compare", "Zoom in", ("+", "="), selected, "Larger"),
    Action("zoom_out", "Compare", "Zoom out", ("-",), selected, "Smaller"),
    Action("play", "Frames", "Play", ("Ctrl+Space",), selected, "Play the rainy frames"),
    Action("next_frame", "Frames", "Next frame", (".",), selected, "The next rainy frame"),
    Action("previous_frame", "Frames", "Previous frame", (",",), selected, "The rainy frame before"),
    Action("reference", "Frames", "Reference frame", ("Home",), selected, "The frame that the clean image stands for"),
    Action("percentile_up", "Live", "Higher percentile", ("]",), seeing, "One percent more; with Shift a tenth"),
    Action("percentile_down", "Live", "Lower percentile", ("[",), seeing, "One percent less; with Shift a tenth"),
    Action("percentile_up_fine", "Live", "A tenth higher", ("}", "Shift+]"), seeing, "A tenth of a percent more"),
    Action("percentile_down_fine", "Live", "A tenth lower", ("{", "Shift+["), seeing, "A tenth of a percent less"),
    Action("frames_up", "Live", "More frames", ("Ctrl+]",), seeing, "Ten frames more"),
    Action("frames_down", "Live", "Fewer frames", ("Ctrl+[",), seeing, "Ten frames fewer"),
    Action("keep", "Live", "Keep as a candidate", ("K",), seeing, "Save the current slider settings as a candidate"),
    Action("pick", "Understand", "Pixel", ("P",), seeing, "Why is this pixel so? Click one: its values over time"),
    Action("region", "Understand", "Region", ("Q",), seeing, "What does this region vote? Drag a rectangle"),
    Action("region_keep", "Understand", "Use the region's η* there", ("E",), seeing, "A candidate for this region"),
    Action("brush", "Compose", "Brush", ("H",), seeing, "Paint with another candidate"),
    Action("rectangle", "Compose", "Rectangle", ("T",), seeing, "Paint a rectangle"),
    Action("lasso", "Compose", "Lasso", ("L",), seeing, "Paint what a line encloses"),
    Action("fill", "Compose", "Fill", ("I",), seeing, "Paint what is alike around a pixel"),
    Action("exclude", "Compose", "Exclude", ("X",), seeing, "Strokes mark what must not be trusted"),
    Action("erase", "Compose", "Erase", ("Shift+X",), seeing, "Strokes take away"),
    Action("larger", "Compose", "Larger brush", ("Ctrl++", "Ctrl+="), seeing, "A quarter more"),
    Action("smaller", "Compose", "Smaller brush", ("Ctrl+-",), seeing, "A quarter less"),
    Action("suggest", "Compose", "Next suggestion", ("J",), seeing, "Where candidates disagree; shows the next"),
    Action("take", "Compose", "Take the suggestion", ("Y",), seeing, "Paint or exclude what is suggested"),
    Action("no_tool", "Compose", "No tool", ("Esc",), always, "Put the tool away; leave the live picture"),
    Action("desk", "Window", "Desk", ("Ctrl+1",), opened, "Compare and decide"),
    Action("pairs", "Window", "Pairs and export", ("Ctrl+2",), opened, "Frames for the pairs; write the data set"),
    Action("training", "Window", "Training", ("Ctrl+3",), always, "Train SPANet on an export"),
    Action("results", "Window", "Results", ("Ctrl+4",), always, "Evaluate, and see what came out worst"),
    Action("jobs", "Window", "Jobs", ("Ctrl+5",), always, "What runs in the background"),
    Action("help", "Window", "Keys", ("?", "F1"), always, "All keys"),
)  # fmt: skip

HELD = (("Space", "Compare", "The rainy frame, as long as it is held"),)
"""Keys that act while they are held; the window listens for them itself."""

GROUPS = tuple(dict.fromkeys(action.group for action in TABLE))

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
