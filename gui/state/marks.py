"""Marked sequences of the list: several that one action is about. The selected one is the one that is judged."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QObject, Signal


class Marks(QObject):
    """Ids of the marked sequences. One alone is not marked, unless `alone`: keys act on the selected one then.

    Signals: `changed` after each change.

    Attributes:
        ids: The marked sequences.
        anchor: Where the range of marks was begun.
        alone: Whether one sequence may be marked alone: a removed one cannot be selected.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[int] = set()
        self.anchor: int | None = None
        self.alone = False

    def clear(self) -> None:
        """Mark nothing."""
        self.anchor = None
        self._set(set())

    def put(self, ids: Iterable[int]) -> None:
        """Mark these."""
        self._set(set(ids))

    def toggle(self, sequence_id: int, selected: int | None) -> None:
        """Mark a sequence, or take its mark away. The selected one belongs to the first mark."""
        ids = self.ids or ({selected} if selected is not None else set())
        self.anchor = sequence_id
        self._set(ids ^ {sequence_id})
        if not self.ids:
            self.anchor = None

    def extend(self, order: Sequence[int], start: int | None, end: int) -> None:
        """Mark the sequences between two of the list.

        Args:
            order: The list.
            start: Where to begin; ``end`` if it is not listed.
            end: Last sequence of the range, above or below the first.
        """
        if end not in order:
            return
        anchor = self.anchor = start if start is not None and start in order else end
        first, last = sorted((order.index(anchor), order.index(end)))
        self._set(set(order[first : last + 1]))

    def keep(self, ids: Iterable[int]) -> None:
        """Take the marks of all other sequences away."""
        if self.ids:
            self._set(self.ids & set(ids))

    def _set(self, ids: set[int]) -> None:
        if len(ids) == 1 and not self.alone:
            ids = set()
        if ids != self.ids:
            self.ids = ids
            self.changed.emit()
