"""Drafts: what the current edits of a sequence add up to."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipeline.project.decisions import decisions
from pipeline.project.editing.edits import Edit, edits_of, required
from pipeline.project.storage import Project
from rainclean.compositing import Layer, Shape

FEATHER = 4.0
"""Px by which the joins of a new layer are softened."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What the current edits of one sequence add up to.

    Attributes:
        base: Id of the candidate that the layers lie on.
        layers: In the order in which they were begun; ``candidate`` is a candidate's id.
        exclude: Shapes of the exclusion mask.
        frames: Rainy frames chosen for the pairs, rising; None for those that the export settings choose.
        hidden: Ids of kept candidates that were taken back.
        guide: Id of the candidate whose picture strokes and fills keep to the edges of, in layers and exclusion mask.
            It is the first that was painted on, so that a mask stays the same when another base is chosen. None where
            nothing is painted.
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
        """Return the layer of a key; None where there is none."""
        return next((layer for layer in self.layers if layer.key == key), None)


Shapes = dict[str, Shape]
"""Shapes that were read already, by the UUID of their edit: thousands of points take long to check."""


def fold(edits: Iterable[Edit], shapes: Shapes) -> Draft:
    """Return the draft of current edits, in the order in which they were made, without ``hidden``. Fills ``shapes``."""
    draft = Draft()
    for edit in edits:
        draft = with_edit(draft, edit, shapes)
    return draft


def with_edit(draft: Draft, edit: Edit, shapes: Shapes) -> Draft:
    """Return a draft after one more edit. Fills ``shapes``.

    Raises:
        ValueError: The edit has no value of its kind.
    """
    value, kind = edit.value, edit.kind
    if kind == "star":
        return replace(draft, star=bool(required(value.starred, kind)))
    if kind == "note":
        return replace(draft, note=required(value.text, kind))
    if kind == "frames":
        return replace(draft, frames=value.frames)
    if kind == "base":
        return replace(draft, base=edit.candidate_id)
    if kind == "exclude":
        return replace(draft, exclude=(*draft.exclude, _shape(edit, shapes)), guide=draft.guide or edit.candidate_id)
    if kind == "paint":
        return replace(draft, layers=_painted(draft, edit, _shape(edit, shapes)), guide=draft.guide or draft.base)
    if kind == "remove_layer":
        key = required(value.key, kind)
        remaining = tuple(layer for layer in draft.layers if layer.key != key)
        return replace(draft, layers=remaining, guide=draft.guide if remaining or draft.exclude else None)
    if kind == "feather":
        key, feather = required(value.key, kind), float(required(value.px, kind))
        layers = (replace(layer, feather=feather) if layer.key == key else layer for layer in draft.layers)
        return replace(draft, layers=tuple(layers))
    return draft


def draft_of(project: Project, sequence_id: int, shapes: Shapes) -> Draft:
    """Return the draft of a sequence. Fills ``shapes``.

    Raises:
        RaincleanError: A shape is of a newer rainclean.
    """
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
        shapes[edit.uuid] = Shape.from_json(required(edit.value.shape, edit.kind))
    return shapes[edit.uuid]


def _painted(draft: Draft, edit: Edit, shape: Shape) -> tuple[Layer, ...]:
    key = required(edit.value.key, edit.kind)
    if draft.layer(key) is None:
        assert edit.candidate_id is not None
        return (*draft.layers, Layer(key, edit.candidate_id, (shape,), FEATHER))
    return tuple(replace(layer, shapes=(*layer.shapes, shape)) if layer.key == key else layer for layer in draft.layers)
