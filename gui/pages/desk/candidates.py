"""The candidates of the selected sequence: thumbnails, recipe in words, scores, difference to the shown one."""

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gui.pages.desk import rows
from gui.state import Session, Thumbnails
from gui.widgets import Label
from pipeline.project.model import StoredCandidate
from rainclean.candidates import PERCENTILE, defect_label
from rainclean.verdict import MEANINGS

ROW = 72
MEASURE_MS = 250
_THUMB = QSize(88, 58)
CANDIDATE_ROLE = int(Qt.ItemDataRole.UserRole) + 1

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class CandidatesModel(QAbstractListModel):
    """The candidates as the session lists them, and how far each is from the shown one."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.differences: dict[int, float] = {}

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        """Number of candidates."""
        return 0 if parent.isValid() else len(self._session.detail.candidates)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts for people and screen readers; the candidate itself for the delegate."""
        if not index.isValid() or index.row() >= len(self._session.detail.candidates):
            return None
        candidate = self._session.detail.candidates[index.row()]
        if role == CANDIDATE_ROLE:
            return candidate
        words = self.suggested(candidate)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._session.label(candidate)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._session.label(candidate) + (f", {words}" if words else "")
        if role == Qt.ItemDataRole.ToolTipRole:
            return None if self._session.blind else tip(candidate) + (f"\n{words}" if words else "")
        return None

    def suggested(self, candidate: StoredCandidate) -> str:
        """``suggested, because …``, or nothing."""
        found = self._session.suggested
        return found.words if found is not None and found.candidate_id == candidate.id else ""

    def reset(self) -> None:
        """The candidates have changed."""
        self.beginResetModel()
        self.differences.clear()
        self.endResetModel()


def tip(candidate: StoredCandidate) -> str:
    """What there is to know of a candidate, line by line."""
    same = f"\nstands for {', '.join(candidate.merged)} as well" if candidate.merged else ""
    looked_up = candidate.recipe.get("rule", PERCENTILE) == PERCENTILE
    made = f"percentile {candidate.percentile:g} (η* = {candidate.eta})" if looked_up else candidate.words
    parts = " + ".join(f"{defect_label(name)} {score:.2f}" for name, score in candidate.scores.items())
    return f"{candidate.name}: {made}\nscore {candidate.score:.2f}, lower is better = {parts}{same}"


class _Delegate(QStyledItemDelegate):
    def __init__(self, session: Session, model: CandidatesModel, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._model, self._thumbnails = session, model, thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are equally high."""
        return QSize(220, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a candidate."""
        candidate: StoredCandidate = index.data(CANDIDATE_ROLE)
        session, palette, rect = self._session, option.palette, option.rect
        painter.save()
        shown = candidate.id == session.shown
        if shown:
            rows.tint(painter, rect, palette)
        room = rows.thumbnail(painter, rect, _THUMB, self._thumbnails.get(candidate.picture))
        number = f"{index.row() + 1}  " if index.row() < 9 else ""
        rows.heading(painter, room, f"{number}{session.label(candidate)}", option.font, shown, palette)
        painter.setPen(palette.placeholderText().color())
        rows.line(painter, room, 27, "" if session.blind else self._scores(candidate))
        rows.line(painter, room, 47, self._marks(candidate), prose=True)
        if shown:
            rows.outline(painter, rect, palette)
        painter.restore()

    def _scores(self, candidate: StoredCandidate) -> str:
        difference = self._model.differences.get(candidate.id)
        apart = "" if difference is None or candidate.id == self._session.shown else f"   differs by {difference:.2f}"
        return f"score {candidate.score:.2f}{apart}"

    def _marks(self, candidate: StoredCandidate) -> str:
        session = self._session
        decision = session.line.decision if session.line else None
        marks = []
        if not session.blind and decision and decision.candidate_id == candidate.id:
            marks.append("✓ accepted" + (" automatically" if decision.kind == "automatic" else ""))
        if session.opponent == candidate.id:
            marks.append("◧ compared with")
        if session.detail.draft.base == candidate.id and session.detail.draft.layers:
            marks.append("✎ painted on")
        if words := self._model.suggested(candidate):
            marks.append(words)
        return "   ".join(marks)


class CandidatesPanel(QWidget):
    """The list. paint_with: a person wants to paint with this candidate."""

    paint_with = Signal(int)

    def __init__(self, session: Session, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._session = session
        self.model = CandidatesModel(session)
        self.view = QListView(uniformItemSizes=True)
        self.view.setAccessibleName("Candidates")
        self.view.setToolTip("Click, or Left and Right, to show; double click to compare with; right click for more")
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.setModel(self.model)
        self.view.setItemDelegate(_Delegate(session, self.model, thumbnails, self.view))
        self.empty = Label(wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self.trust = Label(wordWrap=True, margin=4)
        self.trust.setAccessibleName("Verdict")
        self.why = Label(wordWrap=True, margin=4)
        self.why.setAccessibleName("Suggested candidate")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.addWidget(self.empty)
        layout.addWidget(self.trust)
        layout.addWidget(self.why)
        layout.addWidget(self.view, 1)
        self.view.clicked.connect(lambda index: session.show(index.data(CANDIDATE_ROLE).id))
        self.view.doubleClicked.connect(lambda index: session.compare_with(index.data(CANDIDATE_ROLE).id))
        self.view.customContextMenuRequested.connect(self._menu)
        session.target_changed.connect(self._reset)
        session.detail_changed.connect(self._reset)
        session.learned.connect(self._tell)
        session.shown_changed.connect(self._follow)
        session.draft_changed.connect(self.view.viewport().update)
        session.sequences_changed.connect(self.view.viewport().update)
        session.sequences_changed.connect(self._judge)
        # Differences wait until the pictures that were asked for are on the screen.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(MEASURE_MS)
        self._soon.timeout.connect(self._measure)
        session.pictures.loaded.connect(lambda _: self._measure_soon())
        thumbnails.loaded.connect(lambda _: self.view.viewport().update())
        self._reset()

    def _reset(self) -> None:
        self.model.reset()
        line = self._session.line
        has = bool(self._session.detail.candidates)
        self.view.setVisible(has)
        self.empty.setVisible(not has)
        if line is None:
            self.empty.setText("No sequence selected.")
        elif line.state == "failed":
            self.empty.setText(f"The analysis failed: {line.error}")
        else:
            self.empty.setText("No candidates yet: analyse this sequence (Ctrl+R).")
        self._judge()
        self._tell()
        self._follow()

    def _judge(self) -> None:
        """Say whether the candidates can be trusted, and why not."""
        line = self._session.line
        told = line is not None and line.trust != "" and not self._session.blind
        self.trust.setVisible(told)
        if line is None or not told:
            return
        mark, _ = rows.TRUST[line.trust]
        if line.verdict is None:
            text = f"{mark} {line.trust}: an older rainclean analysed; analyse again (Ctrl+R)"
        else:
            reasons = [f"\n· {reason.words}" for reason in line.verdict.reasons]
            text = f"{mark} {line.trust}, {MEANINGS[line.verdict.state]}" + "".join(reasons)
        where = "\nWhere: Shift+M" if line.places else ""
        self.trust.setText(text + where)

    def _tell(self) -> None:
        """Say what is suggested and why; a row has no room for all of it."""
        session, found = self._session, self._session.suggested
        self.why.setVisible(found is not None)
        if found is not None:
            candidate = session.candidate(found.candidate_id)
            assert candidate is not None
            place = session.detail.candidates.index(candidate) + 1
            number = f"{place}  " if place < 10 else ""
            self.why.setText(f"{number}{candidate.words}: {found.words}. {found.chance:.0%} sure.")
            self.why.setToolTip(f"Suggested candidates: {session.suggestions.words}")
        self.view.viewport().update()

    def _follow(self) -> None:
        ids = [c.id for c in self._session.detail.candidates]
        if self._session.shown in ids:
            self.view.scrollTo(self.model.index(ids.index(self._session.shown)))
        self.model.differences.clear()
        self._measure_soon()
        self.view.viewport().update()

    def _measure_soon(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _measure(self) -> None:
        """Differences to the shown candidate, of those whose pictures are in memory: mean over a grid of pixels."""
        session = self._session
        shown = session.candidate(session.shown)
        mine = session.pictures.peek(shown.picture) if shown else None
        if mine is not None:
            step = max(1, mine.shape[0] // 90)
            for candidate in session.detail.candidates:
                other = session.pictures.peek(candidate.picture)
                if candidate.id not in self.model.differences and other is not None and other.shape == mine.shape:
                    apart = abs(other[::step, ::step].astype("int16") - mine[::step, ::step])
                    self.model.differences[candidate.id] = float(apart.mean())
        self.view.viewport().update()

    def _menu(self, place: QPoint) -> None:
        index = self.view.indexAt(place)
        if not index.isValid():
            return
        candidate: StoredCandidate = index.data(CANDIDATE_ROLE)
        menu = QMenu(self)
        menu.addAction("Show", lambda: self._session.show(candidate.id))
        menu.addAction("Compare with this", lambda: self._session.compare_with(candidate.id))
        menu.addAction("Compare with the rainy frame", lambda: self._session.compare_with(None))
        menu.addAction("Paint with this", lambda: self.paint_with.emit(candidate.id))
        menu.addAction("Accept", lambda: self._session.accept(candidate.id))
        menu.exec(self.view.viewport().mapToGlobal(place))
        menu.deleteLater()
