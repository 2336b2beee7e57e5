"""The list of sequences: filter, order, search. One is selected, on which keys act; several may be marked."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QMouseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gui.design import GAP, SPACE
from gui.jobs import Jobs
from gui.pages.desk.sequence_rows import LINE_ROLE, SequenceDelegate, SequencesModel
from gui.state import (
    FILTERS,
    NOTHING_KNOWN,
    REMOVED,
    SCENE,
    SORTS,
    UNSURE,
    Session,
    Thumbnails,
    Unsure,
    arrange,
    neighbour,
    shared_scenes,
)
from gui.widgets import Label, named
from pipeline.text_format import counted

__all__ = ["LINE_ROLE", "SequencesModel", "SequencesPanel"]


class SequencesPanel(QWidget):
    """Show the list with its search, filter and order.

    Signals:
        menu_wanted: A person asked for the menu of the marked sequences, or of the selected one. Carries the place.
        add_wanted: A person wants to add clips to an empty project.
        restore_wanted: A person wants the marked removed sequences back.
    """

    menu_wanted = Signal(QPoint)
    add_wanted = Signal()
    restore_wanted = Signal()

    def __init__(self, session: Session, jobs: Jobs, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._session = session
        self.search = QLineEdit(placeholderText="Search name, scene or note", clearButtonEnabled=True)
        self.filter, self.sort = QComboBox(), QComboBox()
        self.filter.addItems(list(FILTERS))
        self.sort.addItems(list(SORTS))
        for box in (self.filter, self.sort):
            # The widest entry must not make the panel wider.
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(6)
            box.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.count = Label(wordWrap=True)
        self.count.setProperty("look", "faint")
        self.view = _List()
        self.model = SequencesModel(session, jobs)
        self._unsure: Unsure = NOTHING_KNOWN
        self.view.setModel(self.model)
        self.view.setItemDelegate(SequenceDelegate(session, self.model, thumbnails, self.view))
        self.empty, self.empty_action = Label(), QPushButton()
        self.restore = QPushButton("Restore")
        for widget, name, tip in (
            (
                self.search,
                "Search",
                "List sequences with these words in name, scene or note (Ctrl+F); Enter selects the first",
            ),
            (self.filter, "Filter", "Choose which sequences are listed"),
            (self.sort, "Order", f"Choose the order of the list; choose “{UNSURE}” again to update it"),
            (
                self.view,
                "Sequences",
                "Click, or press Up and Down, to select a sequence; Ctrl+click and Shift+click mark several",
            ),
            (self.restore, "Restore", "Bring the marked sequences back, or all that are listed"),
        ):
            named(widget, name, tip)
        self.view.setToolTip("")  # each row has its own
        self._lay_out()
        self.search.textChanged.connect(self.arrange)
        self.search.returnPressed.connect(self._select_first)
        self.filter.currentTextChanged.connect(self.arrange)
        self.sort.activated.connect(self._sort_anew)
        self.sort.currentTextChanged.connect(self.arrange)
        self.view.pressed_at.connect(self._press)
        self.view.menu_at.connect(self._ask_for_menu)
        self.empty_action.clicked.connect(self._act_on_empty)
        self.restore.clicked.connect(self.restore_wanted)
        session.sequences_changed.connect(self.arrange)
        session.opened.connect(self._sort_anew)
        session.suggestions_changed.connect(self._on_learned)
        session.selection_changed.connect(self._follow)
        session.marks.changed.connect(self._show_marks)
        thumbnails.loaded.connect(lambda _: self.view.viewport().update())
        jobs.changed.connect(lambda _: self.view.viewport().update())

    @property
    def shows_removed(self) -> bool:
        """Return whether the removed sequences are listed, which cannot be judged."""
        return self.filter.currentText() == REMOVED and not self._session.blind

    def arrange(self) -> None:
        """List what search, filter and order ask for; the selected sequence stays selected, listed or not."""
        session = self._session
        self._list_scenes()
        # States, scores and notes reveal what others decided: a second opinion sees the list in order of addition.
        blind, removed = session.blind, self.shows_removed
        shown, sort = ("All", "As added") if blind else (self.filter.currentText(), self.sort.currentText())
        for box in (self.filter, self.sort, self.search):
            box.setEnabled(not blind)
        self.model.unsure = self._unsure if sort == UNSURE else NOTHING_KNOWN
        ids = arrange(
            (session.removed if removed else session.summaries).values(),
            filter_by=shown,
            sort=sort,
            search="" if blind else self.search.text(),
            unsure=self._unsure,
        )
        session.set_order([] if removed else ids)
        session.marks.alone = removed
        if ids == self.model.ids:
            self.model.touch()
        else:
            self.model.set_ids(ids)
            session.marks.keep(ids)
            self._follow()
        self._show_count()

    def mark_all(self) -> None:
        """Mark all listed sequences."""
        if not self._session.blind:
            self._session.marks.put(self.model.ids)

    def extend(self, by: int) -> None:
        """Select the sequence ``by`` places further down, and mark all from where that was begun."""
        session = self._session
        start, end = session.selected, neighbour(session.order, session.selected, by)
        if end is not None:
            self._extend(start, end)

    def show_all(self) -> None:
        """Take away what hides sequences: search and filter."""
        self.search.clear()
        self.filter.setCurrentIndex(0)

    def _press(self, row: int, modifiers: Qt.KeyboardModifier) -> None:
        session, number = self._session, self.model.ids[row]
        if session.blind or not modifiers & (_CTRL | _SHIFT):
            self._choose(number)
        elif modifiers & _CTRL:
            session.marks.toggle(number, session.selected if session.selected in self.model.ids else None)
        else:
            self._extend(session.selected, number)

    def _choose(self, number: int) -> None:
        """Select a sequence alone. A removed one cannot be judged, so it is marked instead."""
        if self.shows_removed:
            self._session.marks.put({number})
            self._session.marks.anchor = number
        else:
            self._session.select(number)

    def _extend(self, start: int | None, end: int) -> None:
        session = self._session
        anchor = session.marks.anchor
        session.select(end)  # takes all marks away
        if not session.blind:
            session.marks.extend(self.model.ids, start if anchor is None else anchor, end)

    def _ask_for_menu(self, row: int, place: QPoint) -> None:
        """Ask for the menu of the marked sequences, or of the one under the pointer, which is selected then."""
        number = self.model.ids[row]
        if number not in self._session.marked:
            self._choose(number)
        self.menu_wanted.emit(place)

    def _sort_anew(self) -> None:
        """Sort by the current estimates. Each decision changes them, but a list must not jump about by itself."""
        self._unsure = self._session.suggestions.unsure
        self.arrange()

    def _on_learned(self) -> None:
        if not self._unsure:
            self._sort_anew()

    def _select_first(self) -> None:
        """Select the first hit, and give the keys back to the desk."""
        if self._session.order:
            self._session.select(self._session.order[0])
            self.search.clearFocus()

    def _follow(self) -> None:
        """Keep the selected sequence in view."""
        if self._session.selected in self.model.ids:
            self.view.scrollTo(self.model.index(self.model.ids.index(self._session.selected)))
        self.view.viewport().update()

    def _list_scenes(self) -> None:
        """Offer the scenes of several sequences in the filter box."""
        names = [SCENE + scene for scene in shared_scenes(self._session.summaries.values())]
        box, first = self.filter, len(FILTERS)
        if names == [box.itemText(place) for place in range(first + 1, box.count())]:
            return
        chosen, blocked = box.currentText(), box.blockSignals(True)
        while box.count() > first:
            box.removeItem(first)
        if names:
            box.insertSeparator(first)
            box.addItems(names)
        box.setCurrentText(chosen if chosen in FILTERS or chosen in names else "All")
        box.blockSignals(blocked)

    def _show_count(self) -> None:
        session, number = self._session, len(self.model.ids)
        total = len(session.removed if self.shows_removed else session.summaries)
        thing = "removed sequence" if self.shows_removed else "sequence"
        text = counted(total, thing) if number == total else f"{number} of {counted(total, thing)}"
        if session.marked:
            text += f" · {len(session.marked)} marked"
        self.count.setToolTip("Esc unmarks all" if session.marked else "")
        unknown = self.sort.currentText() == UNSURE and not session.blind and not self._unsure and total > 0
        self.count.setText(f"{text}\nSuggested candidates: {session.suggestions.label}" if unknown else text)
        self.restore.setVisible(self.shows_removed and number > 0)
        none = not session.summaries and not self.shows_removed
        self.empty.setText("No clips yet." if none else "No sequence matches.")
        self.empty_action.setText("Add clips…" if none else "Show all")
        tip = "Add video files (Ctrl+I)" if none else "Clear search and filter"
        named(self.empty_action, self.empty_action.text(), tip)
        self.empty_action.setVisible(session.project is not None)
        self.stack.setCurrentIndex(0 if number else 1)

    def _show_marks(self) -> None:
        self._show_count()
        self.view.viewport().update()

    def _act_on_empty(self) -> None:
        if self._session.summaries or self.shows_removed:
            self.show_all()
        else:
            self.add_wanted.emit()

    def _lay_out(self) -> None:
        boxes = QHBoxLayout()
        boxes.setSpacing(SPACE)
        boxes.addWidget(self.filter, 1)
        boxes.addWidget(self.sort, 1)
        nothing = QWidget()
        column = QVBoxLayout(nothing)
        column.setSpacing(GAP)
        column.addStretch(1)
        column.addWidget(self.empty, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.empty_action, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.view)
        self.stack.addWidget(nothing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, GAP, 0, GAP)
        layout.setSpacing(SPACE)
        layout.addWidget(self.search)
        layout.addLayout(boxes)
        layout.addWidget(self.stack, 1)
        layout.addWidget(self.restore)
        layout.addWidget(self.count)
        self.count.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)


_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class _List(QListView):
    """The rows. Qt's own selection is off: selected and marked sequences are the session's.

    Signals:
        pressed_at: The left button was pressed on a row. Carries row and modifiers.
        menu_at: A menu was asked for on a row. Carries row and place on the screen.
    """

    pressed_at = Signal(int, object)
    menu_at = Signal(int, QPoint)

    def __init__(self) -> None:
        super().__init__(uniformItemSizes=True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys act on the selected sequence, wherever the focus is

    def dataChanged(
        self, first: QModelIndex | QPersistentModelIndex, last: QModelIndex | QPersistentModelIndex, roles: object = ()
    ) -> None:
        """Paint anew. Qt would lay out all rows again, but they keep their size."""
        QAbstractItemView.dataChanged(self, first, last)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Tell which row was pressed."""
        super().mousePressEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            self.pressed_at.emit(index.row(), event.modifiers())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Tell on which row a menu was asked for."""
        index = self.indexAt(event.pos())
        if index.isValid():
            self.menu_at.emit(index.row(), event.globalPos())
