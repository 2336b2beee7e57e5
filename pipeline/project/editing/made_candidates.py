"""Candidates that a person made: kept from the live slider, or joined of others. Each has an analysis of its own."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from pipeline.project.analysis import (
    AnalysisRow,
    CandidateRow,
    WindowVotes,
    all_candidates,
    analyses,
    analysis,
    candidate,
    insert_analysis,
    needed,
    read_picture,
    read_pictures,
    read_reference,
    read_scoring_target,
    stored_rain,
)
from pipeline.project.documents import AnalysisSettings
from pipeline.project.editing.drafts import Draft
from pipeline.project.editing.made_recipes import Composite, PaintedLayer, Part, kept_recipe
from pipeline.project.model import ALL_OF_IT, Analysis, Chosen, FindingColumns, Origin, Sequence, StoredCandidate
from pipeline.project.storage import Project
from pipeline.stages import finish
from rainclean.errors import InputError, RaincleanError
from rainclean.png import encode_png
from rainclean.video import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rainclean.candidates import Recipe, Scores

    U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class MadeCandidate:
    """A candidate that a person made, before it is stored. Its picture is in the project."""

    settings: AnalysisSettings
    row: CandidateRow
    origin: Origin


@dataclass(frozen=True, kw_only=True)
class FrameUse:
    """How the frames of a candidate were used. The fields are those of `Analysis`; rain: of the frames
    that the sequence had then."""

    reference_frame: int
    region: Region
    rain: tuple[float | None, ...]
    stabilization: str
    chosen: Chosen = ALL_OF_IT

    @classmethod
    def from_analysis(cls, project: Project, analysis: Analysis) -> Self:
        """Return how an analysis used its frames."""
        return cls(
            reference_frame=analysis.reference_frame,
            region=analysis.region,
            rain=tuple(stored_rain(project.value("SELECT rain FROM analysis WHERE id = ?", analysis.id))),
            stabilization=analysis.stabilization,
            chosen=analysis.chosen,
        )

    def of_shot(self, first: int, stop: int) -> Self:
        """Return it with the rain amounts of frames ``first`` to ``stop`` − 1, the sequence's shot."""
        if self.chosen == ALL_OF_IT:
            return self
        begin = first if self.chosen.first is None else self.chosen.first
        amounts = dict(enumerate(self.rain, begin))
        return replace(self, rain=tuple(amounts.get(frame) for frame in range(first, stop)), chosen=ALL_OF_IT)


def picture_of(project: Project, chosen: StoredCandidate) -> "U8":
    """Return a candidate's picture, (H, W, 3) uint8 RGB.

    Raises:
        InputError: It is missing or damaged.
    """
    return read_picture(project, chosen.picture)


def make_composite(project: Project, sequence: Sequence, draft: Draft) -> MadeCandidate | None:
    """Join the layers of a draft and score the picture; return None where they change nothing of the base.

    Its picture is in the project when this returns. `store_made` adds what refers to it.

    Raises:
        RaincleanError: An older rainclean analysed the base, or sizes differ.
    """
    import numpy as np

    from rainclean.candidates import score
    from rainclean.compositing import compose, mask_of
    from rainclean.temporal import luma

    assert draft.base is not None
    base, guide = candidate(project, draft.base), candidate(project, draft.guide or draft.base)
    of_base = analysis(project, base.analysis_id)
    painted = [candidate(project, int(layer.candidate)) for layer in draft.layers]
    names = dict.fromkeys(one.picture for one in (base, guide, *painted))
    if not all(map(project.artefacts.has, names)):
        finish(read_pictures(project, names))  # on disk then
    with ThreadPoolExecutor(2, thread_name_prefix="rainclean-compose") as pool:
        # Decoding is most of the work, and needs no database.
        scoring_target, reference = (
            pool.submit(read_scoring_target, project, of_base),
            pool.submit(read_reference, project, of_base),
        )
        pictures = dict(zip(names, pool.map(project.artefacts.picture, names), strict=True))
        near, rain = needed(scoring_target.result(), sequence.name), needed(reference.result(), sequence.name)
        layers, content = [], []
        for layer, one in zip(draft.layers, painted, strict=True):
            mask = mask_of(layer.shapes, pictures[guide.picture])
            if not mask.any():
                continue
            if pictures[one.picture].shape != pictures[base.picture].shape:
                raise RaincleanError(f"{sequence.name}: {base.name} and {one.name} differ in size; use others")
            layers.append((pictures[one.picture], mask, layer.feather))
            shapes = tuple(shape.to_json() for shape in layer.shapes)
            content.append(PaintedLayer(Part.from_candidate(one), shapes, layer.feather))
        picture = compose(pictures[base.picture], layers)
        if np.array_equal(picture, pictures[base.picture]):
            return None
        scores = score(picture, luma(rain), near, pool)
    made = Composite(Part.from_candidate(base), Part.from_candidate(guide), tuple(content)).made_recipe()
    name = project.artefacts.put(encode_png(picture), ".png")
    row = CandidateRow.of_stored(made.recipe, WindowVotes.from_candidate(base), scores, name)
    return MadeCandidate(made.settings, row, "composite")


def keep_candidate(
    project: Project, recipe: "Recipe", picture: "U8", *, eta: int, silent_share: float, scores: "Scores"
) -> MadeCandidate:
    """Return a candidate as ``analyze --recipe NAME`` would make it. Its picture is in the project then."""
    name = project.artefacts.put(encode_png(picture), ".png")
    row = CandidateRow.from_recipe(recipe, eta, silent_share, scores, name)
    return MadeCandidate(kept_recipe(recipe).settings, row, "kept")


def find_made(project: Project, sequence_id: int, made: MadeCandidate) -> StoredCandidate | None:
    """Return the stored candidate of the same recipe, whoever made it; None where there is none."""
    existing = all_candidates(project, sequence_id)
    return next((one for one in existing if one.recipe_hash == made.row.recipe_hash), None)


def store_made(
    project: Project, sequence_id: int, made: MadeCandidate, use: FrameUse, like: Analysis | None
) -> StoredCandidate:
    """Add a candidate that a person made, inside a transaction.

    Args:
        project: The project.
        sequence_id: Its sequence.
        made: The candidate.
        use: How its frames were used.
        like: Analysis of the same pixels. Its scoring target, its reference picture and what it found hold for the
            candidate, too. None where there is none.
    """
    row = AnalysisRow(
        settings=made.settings,
        origin=made.origin,
        reference_frame=use.reference_frame,
        region=use.region,
        rain=use.rain,
        chosen=use.chosen,
        scoring_target=like.scoring_target if like else "",
        reference=like.reference if like else "",
        findings=replace(like.findings if like else FindingColumns(), stabilization=use.stabilization),
    )
    number = insert_analysis(project, sequence_id, row, [made.row])
    return candidate(project, project.value("SELECT id FROM candidate WHERE analysis_id = ?", number))


def analysed(project: Project, sequence: Sequence) -> Analysis:
    """Return the main analysis of a sequence, whose frames are used alike for what a person makes.

    Raises:
        InputError: There is none.
    """
    sound = [one for one in analyses(project, sequence.id) if not one.error and one.origin == "analysis"]
    if not sound:
        raise InputError(sequence.name, "is not analysed yet", "run rainclean analyze on it")
    return sound[0]


def of_sequence(project: Project, sequence: Sequence, candidate_id: int) -> StoredCandidate:
    """Return a candidate of this sequence by its id. Raises InputError where the sequence has no such one."""
    number = project.value(
        "SELECT sequence_id FROM candidate JOIN analysis ON analysis_id = analysis.id WHERE candidate.id = ?",
        candidate_id,
    )
    if number != sequence.id:
        names = ", ".join(c.name for c in all_candidates(project, sequence.id))
        raise InputError(sequence.name, f"has no candidate with id {candidate_id}", f"it has {names or 'none'}")
    return candidate(project, candidate_id)
