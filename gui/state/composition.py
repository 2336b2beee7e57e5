"""The draft of the selected sequence as pictures: strokes while they are drawn, masks, the composite, what is excluded.

A finished stroke goes to the project at once; masks and composite here are only what those strokes come to. They are
brought up to date stroke by stroke, and painted anew where something was taken back.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gui.state.session import Session
from pipeline.project.editing import FEATHER, Editor
from rainclean.compositing import GrowingStroke, Layer, Shape, Tool, compose, mask_of, paint
from rainclean.video import Region

U8 = NDArray[np.uint8]


@dataclass
class Brush:
    """How the next stroke is drawn. radius, feather in px, softness 0…1, tolerance in levels."""

    tool: Tool | None = None
    excluding: bool = False
    erasing: bool = False
    radius: float = 24.0
    softness: float = 0.5
    edge_aware: bool = False
    tolerance: float = 12.0
    source: int | None = None


@dataclass
class _Painted:
    """A mask and the strokes that it holds."""

    mask: U8
    shapes: tuple[Shape, ...] = ()


@dataclass
class _Stroke:
    """A stroke that is being drawn, and all that it began with, whatever is shown or chosen until it ends.

    key: of the layer, "" for the exclusion. guide: the picture whose edges it goes by.
    """

    painted: _Painted
    key: str
    base: int
    source: int | None
    brush: Brush
    guide: U8
    growing: GrowingStroke | None = None
    points: list[tuple[float, float]] = field(default_factory=list)

    def shape(self) -> Shape:
        """The stroke as far as it is drawn."""
        b, points = self.brush, self.points
        assert b.tool is not None
        if b.tool == "rectangle":
            points = points[:1] + points[-1:]
        elif b.tool == "fill":
            points = points[:1]
        return Shape(b.tool, tuple(points), b.radius, b.softness, b.edge_aware, b.tolerance, b.erasing)


class Composition(QObject):
    """changed: the composite has changed in a region, or all that is painted altogether (None).

    exclusion_changed: the exclusion mask has, in a region. brush_changed: so has the tool.
    """

    changed = Signal(object)
    exclusion_changed = Signal(object)
    brush_changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.brush = Brush()
        self.composite: U8 | None = None
        self._excluded: _Painted | None = None
        self._layers: dict[str, _Painted] = {}
        self._stroke: _Stroke | None = None
        session.selection_changed.connect(self._restart)
        session.draft_changed.connect(self._catch_up)
        session.detail_changed.connect(self._catch_up)
        session.pictures.loaded.connect(self._arrived)

    # -- what the window shows -----------------------------------------------------------------------------------

    @property
    def exclusion(self) -> U8 | None:
        """What is excluded, (H, W) uint8, 255 there; None where nothing was ever painted."""
        return self._excluded.mask if self._excluded is not None else None

    @property
    def on_base(self) -> bool:
        """Whether there is a composite and the shown candidate is the one that it lies on."""
        return self.composite is not None and self.base() == self._session.displayed

    @property
    def drawing(self) -> bool:
        """Whether a stroke is being drawn."""
        return self._stroke is not None

    def layer_mask(self, key: str) -> U8 | None:
        """Mask of one layer, (H, W) uint8."""
        painted = self._layers.get(key)
        return painted.mask if painted is not None else None

    def set_brush(self, **values: Any) -> None:
        """Change how the next stroke is drawn."""
        for name, value in values.items():
            setattr(self.brush, name, value)
        self.brush_changed.emit()

    def base(self) -> int | None:
        """The candidate that is painted on: the one under the layers, else the shown one."""
        if self._stroke is not None:
            return self._stroke.base
        draft = self._session.detail.draft
        return draft.base if draft.layers else self._session.displayed

    def source(self) -> int | None:
        """The candidate that is painted with: the chosen one, else the best one that is not painted on."""
        base = self.base()
        ids = [c.id for c in self._session.detail.candidates]
        if self.brush.source in ids and self.brush.source != base:
            return self.brush.source
        opponent = self._session.compared_with
        return opponent if opponent not in (None, base) else next((i for i in ids if i != base), None)

    # -- strokes -------------------------------------------------------------------------------------------------

    def begin(self, x: float, y: float) -> None:
        """A stroke begins at (x, y) px."""
        self.cancel()  # the view has let go of it
        if self.brush.tool is None or not self._may_paint():
            return
        source, base, guide = None if self.brush.excluding else self.source(), self.base(), self._guide()
        if base is None or guide is None:
            self._session.message.emit("the picture is still being loaded; draw again in a moment")
            return
        painted, key = self._canvas(source, (guide.shape[0], guide.shape[1]))
        self._stroke = stroke = _Stroke(painted, key, base, source, replace(self.brush), guide, points=[(x, y)])
        if stroke.brush.tool == "brush":
            stroke.growing = GrowingStroke(painted.mask, stroke.shape(), guide)
            self._repaint(key, stroke.growing.changed)

    def move(self, x: float, y: float) -> None:
        """The stroke goes on to (x, y) px."""
        stroke = self._stroke
        if stroke is None:
            return
        stroke.points.append((x, y))
        if stroke.growing is not None:
            self._repaint(stroke.key, stroke.growing.add(x, y))

    def end(self) -> None:
        """The stroke is finished: it goes to the project."""
        stroke, self._stroke = self._stroke, None
        if stroke is None:
            return
        if stroke.growing is not None:
            shape, region = stroke.growing.finish()
        else:
            shape = stroke.shape()
            region = paint(stroke.painted.mask, shape, stroke.guide)
        stroke.painted.shapes += (shape,)
        if not self._store(stroke, shape):
            stroke.painted.shapes = ()  # not in the project: paint anew what is
            self._catch_up()
        self._repaint(stroke.key, region)

    def cancel(self) -> None:
        """Take back the stroke that is being drawn."""
        stroke, self._stroke = self._stroke, None
        if stroke is None:
            return
        region = stroke.growing.cancel() if stroke.growing is not None else None
        if self._session.detail.draft.layer(stroke.key) is None:
            self._catch_up()  # its mask was made for it alone
        self._repaint(stroke.key, region)

    def add(self, shapes: tuple[Shape, ...], excluding: bool, candidate: int | None, batch: str) -> bool:
        """Shapes that nobody drew: a suggestion, a region. All are one step for undo. False where it was refused."""
        summary, base = self._session.summary, self.base()
        if summary is None or base is None:
            return False
        if not excluding and candidate == base:
            self._session.message.emit("This is the candidate that you paint on: nothing would change")
            return False

        def act(editor: Editor) -> None:
            for shape in shapes:
                if excluding:
                    editor.exclude(summary.sequence, shape, base, batch=batch)
                elif candidate is not None:
                    editor.paint(summary.sequence, base, candidate, shape, batch=batch)

        return self._session.change(act)

    # -- inside --------------------------------------------------------------------------------------------------

    def _guide(self) -> U8 | None:
        """The picture whose edges strokes go by; None while it is being fetched."""
        session, base = self._session, self.base()
        if session.editor is None or session.selected is None or base is None:
            return None
        return self._picture(session.editor.guide(session.selected, base))

    def _may_paint(self) -> bool:
        """Whether a stroke may begin; a line for the person where not. Shows the base where there is one."""
        session, draft = self._session, self._session.detail.draft
        if self._size() is None or session.blind:
            session.message.emit("painting is for candidates, and not for blind judgements")
            return False
        if self.brush.excluding:
            return True
        if self.source() is None:
            session.message.emit("there is no other candidate to paint with")
            return False
        if draft.layers and draft.base != session.displayed:
            session.show(draft.base)
        return True

    def _canvas(self, source: int | None, size: tuple[int, int]) -> tuple[_Painted, str]:
        """The mask that strokes of this candidate are painted on, None for the exclusion; and its key."""
        if source is None:
            if self._excluded is None:
                self._excluded = _Painted(np.zeros(size, np.uint8))
            return self._excluded, ""
        key = str(source)  # as the editor names the layer of a candidate
        if key not in self._layers:
            self._layers[key] = _Painted(np.zeros(size, np.uint8))
        return self._layers[key], key

    def _store(self, stroke: _Stroke, shape: Shape) -> bool:
        session, base, source = self._session, stroke.base, stroke.source
        summary = session.summary
        if summary is None:
            return False
        if source is None:
            return session.change(lambda editor: editor.exclude(summary.sequence, shape, base))
        return session.change(lambda editor: editor.paint(summary.sequence, base, source, shape))

    def _size(self) -> tuple[int, int] | None:
        analysis = self._session.detail.analysis
        return (analysis.region.height, analysis.region.width) if analysis else None

    def _restart(self) -> None:
        self._stroke = self._excluded = self.composite = None
        self._layers.clear()
        self._catch_up()

    def _arrived(self, name: str) -> None:
        draft = self._session.detail.draft
        if self.composite is None and draft.layers:
            wanted = {draft.base, draft.guide, *(layer.candidate for layer in draft.layers)}
            if any(c.id in wanted and c.picture == name for c in self._session.detail.candidates):
                self._catch_up()

    def _catch_up(self) -> None:
        """Bring masks and composite to what the draft says."""
        draft, size = self._session.detail.draft, self._size()
        if size is None:
            return
        self._bring_exclusion(draft.exclude, size)
        drawn = {self._stroke.key} if self._stroke is not None else set()
        for gone in self._layers.keys() - {layer.key for layer in draft.layers} - drawn:
            del self._layers[gone]
        if draft.layers:
            guide = self._guide()
            if guide is None:
                self.composite = None
                return
            for layer in draft.layers:
                self._layers[layer.key] = _brought(self._layers.get(layer.key), layer.shapes, guide)
        self._compose(None)
        self.changed.emit(None)

    def _bring_exclusion(self, shapes: tuple[Shape, ...], size: tuple[int, int]) -> None:
        if not shapes:
            if self._stroke is None or self._stroke.key:
                self._excluded = None
            return
        guide = self._guide()
        if guide is not None:
            self._excluded = _brought(self._excluded, shapes, guide)

    def _picture(self, candidate_id: int | None) -> U8 | None:
        candidate = self._session.candidate(candidate_id)
        return self._session.pictures.get(candidate.picture) if candidate else None

    def _repaint(self, key: str, region: Region | None) -> None:
        """A region of the mask of this key has changed."""
        if region is None:
            return
        if key:
            self.changed.emit(self._compose(region))
        else:
            self.exclusion_changed.emit(region)

    def _compose(self, region: Region | None) -> Region | None:
        """Bring the composite up to date, in a region or altogether; returns what has changed, joins included."""
        draft = self._session.detail.draft
        layers = [layer for layer in draft.layers if layer.key in self._layers]
        # The first stroke of a layer is seen while it is drawn, before the project knows the layer.
        known = {layer.key for layer in layers}
        layers += [Layer(key, int(key), (), FEATHER) for key in self._layers if key not in known]
        base = self._picture(self.base())
        pictures = [self._picture(int(layer.candidate)) for layer in layers]
        if not layers or base is None or any(p is None for p in pictures):
            self.composite = None
            return None
        laid = [
            (picture, self._layers[layer.key].mask, layer.feather)
            for layer, picture in zip(layers, pictures, strict=True)
            if picture is not None
        ]
        if region is None or self.composite is None or self.composite.shape != base.shape:
            self.composite = compose(base, laid)
            return None
        reach = round(max((layer.feather for layer in layers), default=0.0)) + 1
        x, y = max(0, region.x - reach), max(0, region.y - reach)
        width = min(base.shape[1], region.x + region.width + reach) - x
        height = min(base.shape[0], region.y + region.height + reach) - y
        part = Region(x, y, width, height)
        self.composite[y : y + height, x : x + width] = compose(base, laid, part)
        return part


def _brought(painted: _Painted | None, shapes: tuple[Shape, ...], guide: U8) -> _Painted:
    """A mask that holds exactly these shapes: the one there is, with what is new, or one painted anew."""
    if painted is not None and painted.shapes == shapes[: len(painted.shapes)]:
        for shape in shapes[len(painted.shapes) :]:
            paint(painted.mask, shape, guide)
        painted.shapes = shapes
        return painted
    return _Painted(mask_of(shapes, guide), shapes)
