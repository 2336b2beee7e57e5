"""All actions in one table: names, keys, tips, and when each is enabled.

Menus, tooltips, shortcuts and the help page are made from this table, so that they cannot contradict each other.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from gui.design import icon, icon_names
from gui.state import Session

When = Callable[[Session], bool]


def always(session: Session) -> bool:
    """Return True: enabled at any time."""
    return True


def has_project(session: Session) -> bool:
    """Return whether a project is open."""
    return session.project is not None


def selected(session: Session) -> bool:
    """Return whether a sequence is selected."""
    return session.selected is not None


def not_blind(session: Session) -> bool:
    """Return whether a sequence is selected, and this is no second opinion."""
    return session.selected is not None and not session.blind


def project_not_blind(session: Session) -> bool:
    """Return whether a project is open, and this is no second opinion."""
    return session.project is not None and not session.blind


def displayed(session: Session) -> bool:
    """Return whether a candidate is displayed."""
    return session.displayed is not None


@dataclass(frozen=True)
class Action:
    """An action that a menu entry or key triggers.

    Attributes:
        id: Key of its handler.
        text: Menu entry.
        keys: All of them work; menus show the first.
        tip: One line, without the key.
        when: Tells from the session whether it is enabled.
        group: Menu that it is in.
    """

    id: str
    text: str
    keys: tuple[str, ...]
    tip: str
    when: When = field(kw_only=True)
    group: str = field(default="", kw_only=True)


_BY_GROUP: dict[str, tuple[Action, ...]] = {
    "Project": (
        Action("new", "New project…", ("Ctrl+N",), "Give a project a name and a place", when=always),
        Action("open", "Open project…", ("Ctrl+O",), "Open the folder of a project", when=always),
        Action("sample", "Open the sample project", (), "Open four short clips to try everything with", when=always),
        Action(
            "add", "Add clips…", ("Ctrl+I",), "Add video files; you can also drop them on the window", when=has_project
        ),
        Action(
            "add_folder",
            "Add a folder…",
            ("Ctrl+Shift+I",),
            "Add all clips in a folder and its subfolders",
            when=has_project,
        ),
        Action(
            "analyze",
            "Analyse new sequences",
            ("Ctrl+R",),
            "Make candidates for all sequences that are new, failed, or without a verdict",
            when=has_project,
        ),
        Action(
            "auto",
            "Choose automatically…",
            (),
            "Accept the best candidate wherever the verdict is fit and nobody has decided",
            when=has_project,
        ),
        Action("import", "Import decisions…", (), "Add another person's decisions from a file", when=project_not_blind),
        Action(
            "export_decisions",
            "Export decisions…",
            (),
            "Write all decisions to a file that another person can import",
            when=has_project,
        ),
        Action(
            "shrink",
            "Make the project smaller…",
            (),
            "Delete images that the clips can make again; the best of each sequence stay",
            when=has_project,
        ),
        Action(
            "agreement",
            "Agreement and conflicts",
            ("Ctrl+G",),
            "Show how often people agree, and where they decided differently",
            when=project_not_blind,
        ),
        Action("close", "Close project", ("Ctrl+W",), "Go back to the start page", when=has_project),
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
            "Go to the nearest sequence that no person has decided",
            when=has_project,
        ),
        Action("next_candidate", "Next candidate", ("Right",), "Show the next candidate", when=selected),
        Action("previous_candidate", "Previous candidate", ("Left",), "Show the previous candidate", when=selected),
        *(
            Action(f"candidate_{n}", f"Candidate {n}", (str(n),), f"Show candidate {n} of the list", when=selected)
            for n in range(1, 10)
        ),
        Action(
            "all_candidates",
            "Show all candidates",
            ("Shift+C",),
            "List candidates that look the same, too; press again to fold them",
            when=not_blind,
        ),
        Action("find", "Find a sequence", ("Ctrl+F",), "Search the list by name, scene or note", when=has_project),
    ),
    "Decide": (
        Action(
            "accept",
            "Accept",
            ("A",),
            "Accept the displayed candidate and go to the nearest undecided sequence",
            when=displayed,
        ),
        Action(
            "accept_stay",
            "Accept and stay",
            ("Shift+A",),
            "Accept the displayed candidate and stay on this sequence",
            when=displayed,
        ),
        Action(
            "reject", "Reject…", ("R",), "Reject all candidates of the sequence and give the reasons", when=selected
        ),
        Action("unset", "Withdraw", ("U",), "Make the sequence undecided again", when=not_blind),
        Action("star", "Star", ("S",), "Star the sequence, or remove its star", when=not_blind),
        Action("note", "Note", ("N",), "Write a note; Enter saves it", when=not_blind),
        Action(
            "blind",
            "Second opinion",
            ("O",),
            "Judge again in random order, with names and scores hidden",
            when=has_project,
        ),
    ),
    "Edit": (
        Action("undo", "Undo", ("Ctrl+Z",), "Undo your latest edit, strokes included", when=has_project),
        Action("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Redo the edit that was undone", when=has_project),
    ),
    "Sequence": (
        Action(
            "properties",
            "Properties…",
            ("F2", "Alt+Return"),
            "Name, scene, licence, frames and region of the sequence, or of all marked ones",
            when=not_blind,
        ),
        Action(
            "confirm_scene",
            "Confirm the scene",
            ("Shift+S",),
            "Keep the scene that was suggested because the backgrounds look alike",
            when=not_blind,
        ),
        Action(
            "analyze_again",
            "Analyse again",
            ("Ctrl+Shift+R",),
            "Make new candidates for the sequence, or for all marked ones",
            when=not_blind,
        ),
        Action("history", "History…", ("Ctrl+H",), "Show who did what to the sequence, and when", when=not_blind),
        Action("show_file", "Show the file in its folder", (), "Open the folder of the clip", when=not_blind),
        Action("copy_path", "Copy the path", ("Ctrl+Shift+C",), "Copy where the clip is", when=not_blind),
        Action(
            "remove",
            "Remove",
            ("Delete",),
            "Take the sequence, or all marked ones, out of the project; files and decisions stay",
            when=not_blind,
        ),
        Action("mark_all", "Mark all", ("Ctrl+A",), "Mark all listed sequences", when=project_not_blind),
        Action("mark_down", "Mark downwards", ("Shift+Down",), "Mark this sequence and the next one", when=not_blind),
        Action("mark_up", "Mark upwards", ("Shift+Up",), "Mark this sequence and the previous one", when=not_blind),
    ),
    "Compare": (
        Action("wipe", "Wipe", ("W",), "Compare both pictures in one, with a divider to drag", when=selected),
        Action("side", "Side by side", ("G",), "Show both pictures next to each other", when=selected),
        Action("single", "Single", ("V",), "Show the candidate alone", when=selected),
        Action(
            "difference",
            "Difference",
            ("D",),
            "Subtract one picture from the other; press again for ×8, then for signed differences",
            when=selected,
        ),
        Action("blink", "Blink", ("B",), "Switch between both pictures with each press", when=selected),
        Action(
            "blinking",
            "Blink automatically",
            ("Shift+B",),
            "Switch between both pictures twice a second",
            when=selected,
        ),
        Action(
            "compare_with",
            "Compare with this candidate",
            ("C",),
            "Compare with the displayed candidate instead of the rainy frame; press again to return to the rainy frame",
            when=displayed,
        ),
        Action(
            "confidence",
            "Expected error",
            ("M",),
            "Tint pixels by their expected error; press again for the worst 5 %",
            when=not_blind,
        ),
        Action("places", "Verdict areas", ("Shift+M",), "Tint the areas that explain the verdict", when=not_blind),
        Action(
            "panels",
            "Hide the side panels",
            ("Tab",),
            "Hide both side panels; press again to show them",
            when=has_project,
        ),
        Action(
            "differ_most",
            "Where both differ most",
            ("/", "Shift+D"),
            "Show the place where both pictures differ most, at 1:1; press again for the next place",
            when=displayed,
        ),
        Action(
            "survey",
            "Survey of candidates",
            ("Shift+V",),
            "Show up to nine candidates in a grid, all at the same place",
            when=selected,
        ),
        Action("swap", "Swap left and right", ("Shift+W",), "Exchange the places of both pictures", when=selected),
        Action(
            "magnifier",
            "Magnifier",
            ("Shift+Z",),
            "Enlarge both pictures under the pointer, 4:1, or stop",
            when=selected,
        ),
        Action(
            "histogram",
            "Histograms",
            ("Shift+H",),
            "Show or hide the levels of both pictures around the pointer",
            when=selected,
        ),
        Action("brightness", "Brightness…", ("Shift+L",), "Brighten the view, for night clips", when=selected),
        Action("brighter", "Brighter", ("Alt+Up",), "Brighten the view by half a stop", when=selected),
        Action("darker", "Darker", ("Alt+Down",), "Darken the view by half a stop", when=selected),
        Action("gamma_up", "Higher gamma", ("Alt+Right",), "Brighten dark parts of the view", when=selected),
        Action("gamma_down", "Lower gamma", ("Alt+Left",), "Darken dark parts of the view", when=selected),
        Action("tone_reset", "Reset brightness", ("Alt+0",), "Show the pictures as they are", when=selected),
        Action(
            "save_view",
            "Save the view…",
            ("Ctrl+Shift+S",),
            "Save what the view shows as a PNG, tints and captions included",
            when=selected,
        ),
        Action(
            "save_pictures",
            "Save the view without marks…",
            (),
            "Save the visible part of the pictures as a PNG, with their own levels",
            when=selected,
        ),
        Action("fit", "Fit", ("0", "F"), "Show the whole picture", when=selected),
        Action("actual", "1:1", ("Z",), "Show each pixel as one pixel of the screen", when=selected),
        Action("zoom_in", "Zoom in", ("+", "="), "Enlarge the picture", when=selected),
        Action("zoom_out", "Zoom out", ("-",), "Shrink the picture", when=selected),
    ),
    "Frames": (
        Action("play", "Play", ("Ctrl+Space",), "Play the rainy frames", when=selected),
        Action("next_frame", "Next frame", (".",), "Show the next rainy frame", when=selected),
        Action("previous_frame", "Previous frame", (",",), "Show the previous rainy frame", when=selected),
        Action(
            "reference", "Reference frame", ("Home",), "Show the frame that the clean image belongs to", when=selected
        ),
    ),
    "Live": (
        Action(
            "percentile_up",
            "Higher percentile",
            ("]",),
            "Raise the percentile by one; with Shift by a tenth",
            when=not_blind,
        ),
        Action(
            "percentile_down",
            "Lower percentile",
            ("[",),
            "Lower the percentile by one; with Shift by a tenth",
            when=not_blind,
        ),
        Action(
            "percentile_up_fine",
            "Percentile a tenth higher",
            ("}", "Shift+]"),
            "Raise the percentile by a tenth",
            when=not_blind,
        ),
        Action(
            "percentile_down_fine",
            "Percentile a tenth lower",
            ("{", "Shift+["),
            "Lower the percentile by a tenth",
            when=not_blind,
        ),
        Action("frames_up", "More frames", ("Ctrl+]",), "Use ten more frames", when=not_blind),
        Action("frames_down", "Fewer frames", ("Ctrl+[",), "Use ten fewer frames", when=not_blind),
        Action(
            "keep", "Keep as a candidate", ("K",), "Save the current slider settings as a candidate", when=not_blind
        ),
    ),
    "Inspect": (
        Action("pick", "Pixel", ("P",), "Click a pixel to see its values over time", when=not_blind),
        Action(
            "region", "Region", ("Q",), "Drag a rectangle to see which percentiles its pixels vote for", when=not_blind
        ),
        Action(
            "region_keep",
            "Use the region's η*",
            ("E",),
            "Save a candidate with the region's own η* and paint the region with it",
            when=not_blind,
        ),
    ),
    "Compose": (
        Action("brush", "Brush", ("H",), "Paint with another candidate", when=not_blind),
        Action("rectangle", "Rectangle", ("T",), "Paint a rectangle", when=not_blind),
        Action("lasso", "Lasso", ("L",), "Paint the area inside a drawn line", when=not_blind),
        Action("fill", "Fill", ("I",), "Paint the similar pixels around a clicked pixel", when=not_blind),
        Action(
            "exclude", "Exclude", ("X",), "Mark areas to exclude from the pairs; press again to paint", when=not_blind
        ),
        Action("erase", "Erase", ("Shift+X",), "Remove strokes or parts of them; press again to paint", when=not_blind),
        Action(
            "masks",
            "Show masks",
            ("Shift+E",),
            "Hide the tints of all masks, or show them while painting",
            when=not_blind,
        ),
        Action("larger", "Larger brush", ("Ctrl++", "Ctrl+="), "Enlarge the brush by a quarter", when=not_blind),
        Action("smaller", "Smaller brush", ("Ctrl+-",), "Shrink the brush by a quarter", when=not_blind),
        Action(
            "suggest",
            "Next place",
            ("J",),
            "Go to the next place that the verdict means, then to the next area to paint or exclude",
            when=not_blind,
        ),
        Action("take", "Take the suggestion", ("Y",), "Paint or exclude the suggested area", when=not_blind),
        Action("no_tool", "No tool", ("Esc",), "Put the tool away and leave the live picture", when=always),
    ),
    "Window": (
        Action("home", "Home", ("Ctrl+0",), "Show how far the project is, and the next step", when=has_project),
        Action("desk", "Desk", ("Ctrl+1",), "Compare and decide", when=has_project),
        Action(
            "pairs",
            "Pairs and export",
            ("Ctrl+2",),
            "Choose frames for the pairs and write the data set",
            when=has_project,
        ),
        Action("training", "Training", ("Ctrl+3",), "Train SPANet on an export", when=always),
        Action("results", "Results", ("Ctrl+4",), "Evaluate weights and see the worst pictures", when=always),
        Action("jobs", "Jobs", ("Ctrl+5",), "Show the jobs in the background", when=always),
        Action("fullscreen", "Full screen", ("F11",), "Use the whole screen; press again to leave", when=always),
    ),
    "Help": (
        Action("help", "Keys", ("?", "F1"), "Show all keys", when=always),
        Action("guide", "User guide", ("Shift+F1",), "Read the guide, with chapters and a search", when=always),
        Action(
            "tour",
            "Tour",
            (),
            "Learn the desk in one minute; without candidates it opens the sample project",
            when=always,
        ),
        Action("about", "About rainclean", (), "Show version, method and licence", when=always),
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
"""Keys that act while they are held. `gui.main_window.held_keys` handles them."""

GROUPS = tuple(_BY_GROUP)

OF_DESK = frozenset(("Go", "Decide", "Sequence", "Compare", "Frames", "Live", "Inspect", "Compose"))
"""Groups that act on what the desk displays. They are disabled on other pages, where nobody would see the effect."""


class Actions(QObject):
    """The table as Qt actions."""

    def __init__(self, session: Session, do: Callable[[str], object], parent: QObject) -> None:
        """Make the actions. do: called with the id of a triggered action."""
        super().__init__(parent)
        self._session = session
        self._at_desk = True
        self.by_id: dict[str, QAction] = {}
        for action in TABLE:
            qt_action = QAction(action.text, self)
            qt_action.setShortcuts([QKeySequence(key) for key in action.keys])
            qt_action.setToolTip(f"{action.tip} ({key_text(action)})" if action.keys else action.tip)
            qt_action.setStatusTip(action.tip)
            if action.id in icon_names():
                qt_action.setIcon(icon(action.id))
                qt_action.setIconVisibleInMenu(False)  # in a menu the text says it, and icons would make it restless
            qt_action.triggered.connect(lambda _=False, name=action.id: do(name))
            self.by_id[action.id] = qt_action
        for signal in (session.opened, session.selection_changed, session.displayed_changed, session.detail_changed):
            signal.connect(self.update)
        self.update()

    def __getitem__(self, action_id: str) -> QAction:
        return self.by_id[action_id]

    def of_group(self, group: str) -> Iterator[QAction]:
        """Return the actions of a group, in the order of the table."""
        return (self.by_id[action.id] for action in TABLE if action.group == group)

    def set_at_desk(self, at_desk: bool) -> None:
        """Enable or disable the groups of OF_DESK. at_desk: whether the desk is visible."""
        if at_desk != self._at_desk:
            self._at_desk = at_desk
            self.update()

    def update(self) -> None:
        """Enable the actions that can be done now."""
        for action in TABLE:
            reachable = self._at_desk or action.group not in OF_DESK
            self.by_id[action.id].setEnabled(reachable and action.when(self._session))


def key_text(action: Action) -> str:
    """Return the keys of an action as this system writes them."""
    return " or ".join(map(_native, action.keys))


@cache
def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
