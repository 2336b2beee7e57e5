"""Go to the places where the two displayed pictures differ most, one after the other."""

from gui.compare import CompareView, places_of_difference
from gui.state import Session

RING_PX = 28.0
"""Radius of the ring around a place in px of the picture."""


class DifferMost:
    """Remembers which place was shown last. Other pictures begin anew with the first place."""

    def __init__(self, session: Session, view: CompareView) -> None:
        self._session, self._view = session, view
        self._of: tuple[object, object] | None = None
        self._shown = -1

    def next(self) -> None:
        """Show the next place at 1:1, or larger where all of a small picture fits, and say the difference there."""
        left, right = self._view.pictures
        if left is None or right is None:
            self._session.message.emit("There are no two pictures to compare yet")
            return
        if self._of is None or self._of[0] is not left or self._of[1] is not right:
            self._of, self._shown = (left, right), -1
        # Measured at each press: strokes change a picture in place, and it takes a few hundredths of a second.
        places = places_of_difference(left, right)
        if not places:
            self._session.message.emit("The two pictures differ by less than 1 level everywhere")
            return
        self._shown = (self._shown + 1) % len(places)
        place = places[self._shown]
        if self._view.fit_zoom > 1:
            self._view.fit()  # 1:1 would show a small picture smaller than the view can
        else:
            self._view.show_place(place.x, place.y, 1.0)
        self._view.ring((place.x, place.y), RING_PX)
        levels = round(place.levels)
        unit = "level" if levels == 1 else "levels"
        self._session.message.emit(f"Place {self._shown + 1} of {len(places)}: differs by {levels} {unit}")
