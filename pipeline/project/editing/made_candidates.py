"""Candidates that a person made: kept from the live slider, or joined from others. Each in an analysis of its own."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from pipeline.project.analysis import (
    OF_FRAMES,
    all_candidates,
    analyses,
    analysis,
    candidate,
    candidate_row,
    insert_analysis,
    needed,
    read_reference,
    read_scoring_target,
    score_columns,
)
from pipeline.project.editing.drafts import Draft
from pipeline.project.editing.made_recipes import composite_recipe
from pipeline.project.model import Analysis, Origin, Sequence, StoredCandidate
from pipeline.project.storage import Project
from rainclean.candidates import RULES_VERSION
from rainclean.errors import InputError, RaincleanError
from rainclean.png import encode_png

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rainclean.candidates import Recipe, Scores

    U8 = NDArray[np.uint8]

Made = tuple[dict[str, Any], dict[str, Any]]
"""Settings of an analysis, and the columns of its one candidate."""


def picture_of(project: Project, chosen: StoredCandidate) -> "U8":
    """A candidate's picture, (H, W, 3) uint8 RGB. Raises InputError where it is missing or damaged."""
    return _read(project, chosen.picture)


def composite(project: Project, sequence: Sequence, draft: Draft) -> Made | None:
    """Join the layers of a draft and score what comes of it; None where they change nothing of the base.

    Its picture is in the project when this returns; what refers to it is for `store_made`. Raises RaincleanError
    where the base was analysed by an older rainclean, or where sizes differ.
    """
    import numpy as np

    from rainclean.candidates import score
    from rainclean.compositing import compose, mask_of
    from rainclean.temporal import luma

    assert draft.base is not None
    base, guide = candidate(project, draft.base), candidate(project, draft.guide or draft.base)
    of_base = analysis(project, base.analysis_id)
    lying = [candidate(project, int(layer.candidate)) for layer in draft.layers]
    with ThreadPoolExecutor(2, thread_name_prefix="rainclean-compose") as pool:
        # Decoding is most of the work, and needs no database.
        scoring_target, reference = (
            pool.submit(read_scoring_target, project, of_base),
            pool.submit(read_reference, project, of_base),
        )
        names = dict.fromkeys(one.picture for one in (base, guide, *lying))
        pictures = dict(zip(names, pool.map(lambda name: _read(project, name), names), strict=True))
        near, rain = needed(scoring_target.result(), sequence.name), needed(reference.result(), sequence.name)
        layers, content = [], []
        for layer, one in zip(draft.layers, lying, strict=True):
            mask = mask_of(layer.shapes, pictures[guide.picture])
            if not mask.any():
                continue
            if pictures[one.picture].shape != pictures[base.picture].shape:
                raise RaincleanError(f"{sequence.name}: {base.name} and {one.name} are of different sizes; use others")
            layers.append((pictures[one.picture], mask, layer.feather))
            shapes = [shape.to_json() for shape in layer.shapes]
            content.append({**_named(one), "shapes": shapes, "feather": layer.feather})
        made = compose(pictures[base.picture], layers)
        if np.array_equal(made, pictures[base.picture]):
            return None
        scores = score(made, luma(rain), near, pool)
    return _composite_row(
        project, base, {"base": _named(base), "guide": _named(guide), "layers": content}, made, scores
    )


def kept(project: Project, recipe: "Recipe", picture: "U8", eta: int, silent_share: float, scores: "Scores") -> Made:
    """A candidate as ``analyze --recipe NAME`` would make it; its picture is in the project when this returns."""
    settings = {"recipe": recipe.name, "frames": None, "rules": RULES_VERSION}
    name = project.artefacts.put(encode_png(picture), ".png")
    return settings, candidate_row(recipe, eta, silent_share, scores, name)


def find_made(project: Project, sequence_id: int, made: Made) -> StoredCandidate | None:
    """The candidate of this recipe that is there already, whoever made it."""
    _, row = made
    there = all_candidates(project, sequence_id)
    return next((one for one in there if one.recipe_hash == row["recipe_hash"]), None)


def store_made(
    project: Project, sequence_id: int, made: Made, origin: Origin, like: Analysis | None, **columns: Any
) -> StoredCandidate:
    """Add a candidate that a person made, inside a transaction.

    like: analysis of the same pixels, whose reference frame, region, rain, scoring_target, reference picture and what
    was found hold for it, too; columns: those of them that it does not give, as they are stored.
    """
    settings, row = made
    if like is not None:
        rain = project.value("SELECT rain FROM analysis WHERE id = ?", like.id)
        columns = {
            "reference_frame": like.reference_frame,
            "region": json.dumps(like.region),
            "rain": rain,
            "scoring_target": like.scoring_target,
            "reference": like.reference,
            **{name: getattr(like, name) for name in OF_FRAMES},
            **columns,
        }
    columns = {"error": "", "warnings": "[]", "sheet": "", "origin": origin, **columns}
    number = insert_analysis(project, sequence_id, settings, columns, [row])
    return candidate(project, project.value("SELECT id FROM candidate WHERE analysis_id = ?", number))


def analysed(project: Project, sequence: Sequence) -> Analysis:
    """The main analysis of a sequence, which what a person makes is like. Raises InputError where there is none."""
    there = [one for one in analyses(project, sequence.id) if not one.error and one.origin == "analysis"]
    if not there:
        raise InputError(sequence.name, "is not analysed yet", "run rainclean analyze on it")
    return there[0]


def of_sequence(project: Project, sequence: Sequence, candidate_id: int) -> StoredCandidate:
    """A candidate by its id, if it is one of this sequence. Raises InputError."""
    number = project.value(
        "SELECT sequence_id FROM candidate JOIN analysis ON analysis_id = analysis.id WHERE candidate.id = ?",
        candidate_id,
    )
    if number != sequence.id:
        names = ", ".join(c.name for c in all_candidates(project, sequence.id))
        raise InputError(sequence.name, f"has no candidate with id {candidate_id}", f"it has {names or 'none'}")
    return candidate(project, candidate_id)


def _read(project: Project, name: str) -> "U8":
    return project.artefacts.picture(name)


def _named(one: StoredCandidate) -> dict[str, Any]:
    """A candidate by its content, the same in every project."""
    return {"recipe": one.recipe_hash, "picture": one.picture}


def _composite_row(
    project: Project, base: StoredCandidate, content: dict[str, Any], picture: "U8", scores: "Scores"
) -> Made:
    recipe = composite_recipe(content)
    row = {
        "rank": 1,
        "name": recipe["name"],
        "recipe": json.dumps(recipe, ensure_ascii=False),
        "recipe_hash": recipe["hash"],
        "percentile": base.percentile,
        "eta": base.eta,
        "silent_share": base.silent_share,
        **score_columns(scores),
        "merged": "[]",
        "picture": project.artefacts.put(encode_png(picture), ".png"),
    }
    return {"recipe": recipe["name"], "composite": content, "frames": None, "rules": RULES_VERSION}, row
