"""Drafts: what the standing edits of a sequence come to."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipeline.project.decisions import decisions
from pipeline.project.editing.edits import Edit, edits_of
from pipeline.project.storage import Project
from rainclean.compositing import Layer, Shape

FEATHER = 4.0
"""Px by which the joins of a new layer are softened."""


@dataclass(frozen=True)
class Draft:
    """What the standing edits of one sequence come to.

    base: candidate that the layers lie on. layers: in the order in which they were begun; ``candidate`` is a
    candidate's id. exclude: shapes of the exclusion mask. guide: candidate whose picture strokes and fills keep to
    the edges of, in layers and exclusion mask; the first that was painted on, so that a mask stays what it was
    when another base is taken; None where nothing is painted.
    frames: rainy frames chosen for the pairs, rising; None: as the export settings say. hidden: kept candidates that
    were taken back.
    """

    star: bool = False
    note: str = ""
    base: int | None = None
    layers: tuple[Layer, ...] = ()
    exclude: tuple[Shape, ...] = ()
    frames: tuple[int, ...] | None = None
    hidden: frozenset[int] = frozenset()
    guide: int | None = None

    def layer(self, key: str) -> Layer | None:
        """The layer of a key."""
        return next((layer for layer in self.layers if layer.key == key), None)


Shapes = dict[str, Shape]
"""Shapes that were read before, by the UUID of their edit: thousands of points take long to check."""


def fold(edits: Iterable[Edit], shapes: Shapes) -> Draft:
    """The draft of standing edits, in the order in which they were made; ``hidden`` is not theirs to say."""
    draft = Draft()
    for edit in edits:
        draft = with_edit(draft, edit, shapes)
    return draft


def with_edit(draft: Draft, edit: Edit, shapes: Shapes) -> Draft:
    """A draft after one more edit. Fills ``shapes``."""
    value, kind = edit.value, edit.kind
    if kind == "star":
        return replace(draft, star=bool(value["on"]))
    if kind == "note":
        return replace(draft, note=value["text"])
    if kind == "frames":
        return replace(draft, frames=None if value["frames"] is None else tuple(value["frames"]))
    if kind == "base":
        return replace(draft, base=edit.candidate_id)
    if kind == "exclude":
        return replace(draft, exclude=(*draft.exclude, _shape(edit, shapes)), guide=draft.guide or edit.candidate_id)
    if kind == "paint":
        return replace(draft, layers=_painted(draft, edit, _shape(edit, shapes)), guide=draft.guide or draft.base)
    if kind == "remove_layer":
        left = tuple(layer for layer in draft.layers if layer.key != value["key"])
        return replace(draft, layers=left, guide=draft.guide if left or draft.exclude else None)
    if kind == "feather":
        feather = float(value["px"])
        layers = (replace(layer, feather=feather) if layer.key == value["key"] else layer for layer in draft.layers)
        return replace(draft, layers=tuple(layers))
    return draft


def draft_of(project: Project, sequence_id: int, shapes: Shapes) -> Draft:
    """The draft of a sequence; fills ``shapes``. Raises RaincleanError for shapes of a newer rainclean."""
    edits = edits_of(project, sequence_id)
    kept = {edit.candidate_id for edit in edits if edit.kind == "keep"}
    rows = project.rows(
        "SELECT candidate.id FROM candidate JOIN analysis ON analysis_id = analysis.id "
        "WHERE origin = 'kept' AND sequence_id = ?", sequence_id,
    )  # fmt: skip
    hidden = {row["id"] for row in rows} - kept
    if hidden:
        hidden -= {d.candidate_id for d in decisions.standing(decisions.journal(project, sequence_id))}
    return replace(fold(edits, shapes), hidden=frozenset(hidden))


def _shape(edit: Edit, shapes: Shapes) -> Shape:
    if edit.uuid not in shapes:
        shapes[edit.uuid] = Shape.from_json(edit.value["shape"])
    return shapes[edit.uuid]


def _painted(draft: Draft, edit: Edit, shape: Shape) -> tuple[Layer, ...]:
    key = edit.value["key"]
    if draft.layer(key) is None:
        assert edit.candidate_id is not None
        return (*draft.layers, Layer(key, edit.candidate_id, (shape,), FEATHER))
    return tuple(replace(layer, shapes=(*layer.shapes, shape)) if layer.key == key else layer for layer in draft.layers)
