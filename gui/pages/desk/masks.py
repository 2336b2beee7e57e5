"""Tints of the layers' masks and of the exclusion mask over the picture view."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gui.compare import Colour, CompareView
from gui.state import Composition, Session
from rainclean.video import Region

EXCLUDED: Colour = (230, 40, 40)
"""Colour of the exclusion mask."""

LAYER_COLOURS: tuple[tuple[str, Colour], ...] = (
    ("Blue", (40, 140, 255)),
    ("Green", (50, 190, 90)),
    ("Magenta", (225, 70, 215)),
    ("Yellow", (250, 205, 30)),
)
"""Colours of layers: the chosen one for the first layer, the following ones for the others."""

OPACITY = 0.4
"""Opacity of the tints at first, 0…1."""

EXCLUSION = ""
"""Key of the exclusion mask; layers have keys of their own."""


class MaskTints(QObject):
    """Decides which masks tint the view. They do so while a person paints, and a layer also while it is selected.

    Signals: `changed` when the colours, the opacity or the hidden masks are others.

    Attributes:
        opacity: Opacity of the tints, 0…1.
        first_colour: Index of the first layer's colour in LAYER_COLOURS.
    """

    changed = Signal()

    def __init__(self, session: Session, composition: Composition, view: CompareView) -> None:
        super().__init__(view)
        self._session, self._composition, self._view = session, composition, view
        self.opacity, self.first_colour = OPACITY, 0
        self._hidden: set[str] = set()
        self._selected = ""
        self._drawn: dict[str, tuple[int, Colour, float]] = {}
        composition.brush_changed.connect(self.show)
        composition.changed.connect(self._follow_layers)
        composition.exclusion_changed.connect(self._follow_exclusion)

    # -- what a person chooses -----------------------------------------------------------------------------------

    def is_hidden(self, key: str) -> bool:
        """Return whether a mask is hidden. key: of a layer, or EXCLUSION."""
        return key in self._hidden

    def toggle(self, key: str) -> None:
        """Show or hide a mask. key: of a layer, or EXCLUSION."""
        self._hidden ^= {key}
        self._announce()

    def toggle_all(self) -> None:
        """Hide all masks, or show all if one is hidden."""
        keys = {EXCLUSION, *self._composition.layer_keys}
        if self._hidden & keys:
            self._hidden -= keys
            self._session.message.emit("Masks shown while you paint")
        else:
            self._hidden |= keys
            self._session.message.emit("Masks hidden")
        self._announce()

    def select(self, key: str) -> None:
        """Tint a layer also when nobody paints. key: of the layer, "" for none."""
        if key != self._selected:
            self._selected = key
            self.show()

    def set_opacity(self, opacity: float) -> None:
        """Set the opacity of all tints, 0…1."""
        self.opacity = opacity
        self._announce()

    def set_colour(self, index: int) -> None:
        """Begin with another of LAYER_COLOURS. index: its place."""
        self.first_colour = index
        self._announce()

    def colour(self, key: str) -> Colour:
        """Return the colour of a mask. key: of a layer, or EXCLUSION."""
        if key == EXCLUSION:
            return EXCLUDED
        keys = self._composition.layer_keys
        place = keys.index(key) if key in keys else 0
        return LAYER_COLOURS[(self.first_colour + place) % len(LAYER_COLOURS)][1]

    # -- what is drawn -------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Draw exactly the tints that are wanted."""
        wanted = self._wanted()
        for name in self._drawn.keys() - wanted.keys():
            self._view.set_overlay(name, None)
            del self._drawn[name]
        for name, key in wanted.items():
            mask = self._mask(key)
            look = (id(mask), self.colour(key), self.opacity)
            if self._drawn.get(name) != look:
                self._view.set_overlay(name, mask, look[1], self.opacity)
                self._drawn[name] = look

    def _wanted(self) -> dict[str, str]:
        """Return name of the overlay → key of the mask."""
        composition, session = self._composition, self._session
        keys: list[str] = []
        if not session.blind and composition.on_base:
            painting = composition.brush.tool is not None and not composition.brush.excluding
            keys += [key for key in composition.layer_keys if painting or key == self._selected]
        wanted = {f"layer {key}": key for key in keys if key not in self._hidden}
        if EXCLUSION not in self._hidden:
            wanted["excluded"] = EXCLUSION
        size = self._view.picture_size
        masks = {name: self._mask(key) for name, key in wanted.items()}
        return {
            name: key for name, key in wanted.items() if (mask := masks[name]) is not None and mask.shape[::-1] == size
        }

    def _mask(self, key: str) -> NDArray[np.uint8] | None:
        return self._composition.exclusion if key == EXCLUSION else self._composition.layer_mask(key)

    def _announce(self) -> None:
        self.show()
        self.changed.emit()

    def _follow_layers(self, region: Region | None) -> None:
        """Repaint layers after a stroke. region: where they have changed; None for anywhere."""
        before = set(self._drawn)
        self.show()
        for name in before & self._drawn.keys() - {"excluded"}:
            self._view.update_overlay(name, region)

    def _follow_exclusion(self, region: Region | None) -> None:
        before = self._drawn.get("excluded")
        self.show()
        if before is not None and self._drawn.get("excluded") == before:
            self._view.update_overlay("excluded", region)
