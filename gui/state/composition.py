"""The draft of the selected sequence as pictures: the stroke being drawn, layer masks, composite, exclusion mask.

A finished stroke is stored in the project at once. Masks and composite are derived from the stored strokes: updated
stroke by stroke, painted anew after an undo.
"""

from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gui.state.session import Session
from pipeline.project.editing import FEATHER, Editor
from rainclean.compositing import GrowingStroke, Layer, Shape, Tool, compose, mask_of, paint
from rainclean.video import Region

U8 = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Brush:
    """Settings of the next stroke.

    Attributes:
        tool: What the mouse draws; None for no tool.
        excluding: Whether strokes go to the exclusion mask.
        erasing: Whether strokes remove instead of add.
        radius: Radius of the brush in px.
        softness: 0 for a hard edge, 1 for a soft one.
        edge_aware: Whether the brush stops at strong edges.
        tolerance: Grey levels by which a filled area may differ from its seed.
        source: Id of the candidate to paint with; None for the best other one.
    """

    tool: Tool | None = None
    excluding: bool = False
    erasing: bool = False
    radius: float = 24.0
    softness: float = 0.5
    edge_aware: bool = False
    tolerance: float = 12.0
    source: int | None = None


class BrushValues(TypedDict, total=False):
    """Fields of `Brush` that change."""

    tool: Tool | None
    excluding: bool
    erasing: bool
    radius: float
    softness: float
    edge_aware: bool
    tolerance: float
    source: int | None


@dataclass
class _Painted:
    """A mask, (H, W) uint8, and the strokes painted on it."""

    mask: U8
    shapes: tuple[Shape, ...] = ()


@dataclass(kw_only=True)
class _Stroke:
    """A stroke that is being drawn. It keeps what it began with, whatever is displayed or chosen meanwhile.

    key: of the layer, "" for the exclusion mask. guide: picture whose edges an edge-aware stroke follows.
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
        """Return the stroke drawn so far."""
        b, points = self.brush, self.points
        assert b.tool is not None
        if b.tool == "rectangle":
            points = points[:1] + points[-1:]
        elif b.tool == "fill":
            points = points[:1]
        return Shape(
            b.tool,
            tuple(points),
            radius=b.radius,
            softness=b.softness,
            edge_aware=b.edge_aware,
            tolerance=b.tolerance,
            erase=b.erasing,
        )


class Composition(QObject):
    """The composite and the exclusion mask of the selected sequence, and the stroke that changes them.

    Signals: `changed` with the region of the composite that has changed, None for all of it; `exclusion_changed` with
    the region of the exclusion mask; `brush_changed` when the brush has other settings.
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
        session.pictures.loaded.connect(self._on_picture_loaded)

    # -- pictures and brush --------------------------------------------------------------------------------------

    @property
    def exclusion(self) -> U8 | None:
        """Return the exclusion mask, (H, W) uint8, 255 where excluded; None if nothing was ever painted."""
        return self._excluded.mask if self._excluded is not None else None

    @property
    def on_base(self) -> bool:
        """Return whether there is a composite and its base candidate is displayed."""
        return self.composite is not None and self.base() == self._session.displayed

    @property
    def drawing(self) -> bool:
        """Return whether a stroke is being drawn."""
        return self._stroke is not None

    @property
    def layer_keys(self) -> list[str]:
        """Return the keys of the layers that have masks, the lowest first, that of a stroke being drawn included."""
        stored = [layer.key for layer in self._session.detail.draft.layers if layer.key in self._layers]
        return [*stored, *(key for key in self._layers if key not in stored)]

    def layer_mask(self, key: str) -> U8 | None:
        """Return the mask of one layer, (H, W) uint8; None if there is no such layer."""
        painted = self._layers.get(key)
        return painted.mask if painted is not None else None

    def set_brush(self, **values: Unpack[BrushValues]) -> None:
        """Change settings of the brush. values: fields of `Brush`."""
        self.brush = replace(self.brush, **values)
        self.brush_changed.emit()

    def base(self) -> int | None:
        """Return the id of the base candidate: the one under the layers, else the displayed one."""
        if self._stroke is not None:
            return self._stroke.base
        draft = self._session.detail.draft
        return draft.base if draft.layers else self._session.displayed

    def source(self) -> int | None:
        """Return the id of the candidate to paint with: the chosen one, else the first that is not the base."""
        base = self.base()
        ids = [c.id for c in self._session.detail.candidates]
        if self.brush.source in ids and self.brush.source != base:
            return self.brush.source
        compared = self._session.compared_with
        return compared if compared not in (None, base) else next((i for i in ids if i != base), None)

    # -- strokes -------------------------------------------------------------------------------------------------

    def begin(self, x: float, y: float) -> None:
        """Begin a stroke at (x, y) px."""
        self.cancel()  # the view has dropped the stroke before
        if self.brush.tool is None or not self._may_paint():
            return
        source, base, guide = None if self.brush.excluding else self.source(), self.base(), self._guide()
        if base is None or guide is None:
            self._session.message.emit("The picture is still loading. Draw again in a moment.")
            return
        painted, key = self._canvas(source, (guide.shape[0], guide.shape[1]))
        self._stroke = stroke = _Stroke(
            painted=painted, key=key, base=base, source=source, brush=self.brush, guide=guide, points=[(x, y)]
        )
        if stroke.brush.tool == "brush":
            stroke.growing = GrowingStroke(painted.mask, stroke.shape(), guide)
            self._repaint(key, stroke.growing.changed)

    def move(self, x: float, y: float) -> None:
        """Continue the stroke to (x, y) px."""
        stroke = self._stroke
        if stroke is None:
            return
        stroke.points.append((x, y))
        if stroke.growing is not None:
            self._repaint(stroke.key, stroke.growing.add(x, y))

    def end(self) -> None:
        """Finish the stroke and store it in the project."""
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
        """Discard the stroke that is being drawn."""
        stroke, self._stroke = self._stroke, None
        if stroke is None:
            return
        region = stroke.growing.cancel() if stroke.growing is not None else None
        if self._session.detail.draft.layer(stroke.key) is None:
            self._catch_up()  # its mask was made for it alone
        self._repaint(stroke.key, region)

    def add(self, shapes: tuple[Shape, ...], candidate: int | None, batch: str, *, excluding: bool = False) -> bool:
        """Store shapes that nobody drew, such as a suggestion or a region, as one step for undo.

        Args:
            shapes: Shapes in px of the picture.
            candidate: Id of the candidate to paint with; ignored when excluding.
            batch: Name that the edits share, see `new_batch`.
            excluding: Add the shapes to the exclusion mask instead.

        Returns:
            Whether they are stored.
        """
        summary, base = self._session.summary, self.base()
        if summary is None or base is None:
            return False
        if not excluding and candidate == base:
            self._session.message.emit(
                "This is the base candidate: painting it would change nothing. Choose another one under “Paint with”."
            )
            return False

        def act(editor: Editor) -> None:
            for shape in shapes:
                if excluding:
                    editor.exclude(summary.sequence, shape, base, batch=batch)
                elif candidate is not None:
                    editor.paint(summary.sequence, base, candidate, shape, batch=batch)

        return self._session.change(act) is not None

    # -- inside --------------------------------------------------------------------------------------------------

    def _guide(self) -> U8 | None:
        """Return the picture whose edges strokes follow; None while it is loading."""
        session, base = self._session, self.base()
        if session.editor is None or session.selected is None or base is None:
            return None
        return self._picture(session.editor.guide(session.selected, base))

    def _may_paint(self) -> bool:
        """Return whether a stroke may begin, and announce why not. Display the base candidate if there are layers."""
        session, draft = self._session, self._session.detail.draft
        if session.blind:
            session.message.emit("Painting is not possible during a second opinion. Press O to end it.")
            return False
        if self._size() is None:
            session.message.emit("No candidates to paint with yet. Analyse the sequence first (Ctrl+R).")
            return False
        if self.brush.excluding:
            return True
        if self.source() is None:
            session.message.emit("There is no other candidate to paint with")
            return False
        if draft.layers and draft.base != session.displayed:
            session.show(draft.base)
        return True

    def _canvas(self, source: int | None, size: tuple[int, int]) -> tuple[_Painted, str]:
        """Return the mask that strokes of this candidate go to (None: the exclusion mask), and its key."""
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
            return session.change(lambda editor: editor.exclude(summary.sequence, shape, base)) is not None
        return session.change(lambda editor: editor.paint(summary.sequence, base, source, shape)) is not None

    def _size(self) -> tuple[int, int] | None:
        analysis = self._session.detail.analysis
        return (analysis.region.height, analysis.region.width) if analysis else None

    def _restart(self) -> None:
        self._stroke = self._excluded = self.composite = None
        self._layers.clear()
        self._catch_up()

    def _on_picture_loaded(self, name: str) -> None:
        draft = self._session.detail.draft
        if self.composite is None and draft.layers:
            wanted = {draft.base, draft.guide, *(layer.candidate for layer in draft.layers)}
            if any(c.id in wanted and c.picture == name for c in self._session.detail.candidates):
                self._catch_up()

    def _catch_up(self) -> None:
        """Update masks and composite from the draft."""
        draft, size = self._session.detail.draft, self._size()
        if size is None:
            return
        self._update_exclusion(draft.exclude, size)
        drawn = {self._stroke.key} if self._stroke is not None else set()
        for gone in self._layers.keys() - {layer.key for layer in draft.layers} - drawn:
            del self._layers[gone]
        if draft.layers:
            guide = self._guide()
            if guide is None:
                self.composite = None
                return
            for layer in draft.layers:
                self._layers[layer.key] = _updated(self._layers.get(layer.key), layer.shapes, guide)
        self._compose(None)
        self.changed.emit(None)

    def _update_exclusion(self, shapes: tuple[Shape, ...], size: tuple[int, int]) -> None:
        if not shapes:
            if self._stroke is None or self._stroke.key:
                self._excluded = None
            return
        guide = self._guide()
        if guide is not None:
            self._excluded = _updated(self._excluded, shapes, guide)

    def _picture(self, candidate_id: int | None) -> U8 | None:
        candidate = self._session.candidate(candidate_id)
        return self._session.pictures.get(candidate.picture) if candidate else None

    def _repaint(self, key: str, region: Region | None) -> None:
        """Announce that a region of the mask of this key has changed."""
        if region is None:
            return
        if key:
            self.changed.emit(self._compose(region))
        else:
            self.exclusion_changed.emit(region)

    def _compose(self, region: Region | None) -> Region | None:
        """Update the composite in a region (None: all of it). Return the changed region, feathered joins included."""
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
        layer_stack = [
            (picture, self._layers[layer.key].mask, layer.feather)
            for layer, picture in zip(layers, pictures, strict=True)
            if picture is not None
        ]
        if region is None or self.composite is None or self.composite.shape != base.shape:
            self.composite = compose(base, layer_stack)
            return None
        reach = round(max((layer.feather for layer in layers), default=0.0)) + 1
        x, y = max(0, region.x - reach), max(0, region.y - reach)
        width = min(base.shape[1], region.x + region.width + reach) - x
        height = min(base.shape[0], region.y + region.height + reach) - y
        part = Region(x, y, width, height)
        self.composite[y : y + height, x : x + width] = compose(base, layer_stack, part)
        return part


def _updated(painted: _Painted | None, shapes: tuple[Shape, ...], guide: U8) -> _Painted:
    """Return a mask of exactly these shapes: the existing one with new shapes added, or one painted anew."""
    if painted is not None and painted.shapes == shapes[: len(painted.shapes)]:
        for shape in shapes[len(painted.shapes) :]:
            paint(painted.mask, shape, guide)
        painted.shapes = shapes
        return painted
    return _Painted(mask_of(shapes, guide), shapes)
