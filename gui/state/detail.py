"""Everything the window shows about one sequence besides its row in the list: analysis, candidates, rain, draft."""

import random
from dataclasses import dataclass, field

from pipeline.project.analysis import all_candidates, analyses, rain_amounts
from pipeline.project.decisions import by_sequence
from pipeline.project.editing import Draft, Editor
from pipeline.project.model import Analysis, StoredCandidate
from pipeline.project.storage import Project


@dataclass(frozen=True)
class Detail:
    """Analysis, candidates and draft of one sequence.

    Attributes:
        analysis: None where there are no candidates.
        candidates: In the order of the list, best-scored first; during a second opinion in random order.
        rain: Amount of each frame. None for a frame that cannot be stabilized like the others, or repeats another.
        draft: Strokes, star and note. Empty during a second opinion.
    """

    analysis: Analysis | None = None
    candidates: tuple[StoredCandidate, ...] = ()
    rain: tuple[float | None, ...] = ()
    draft: Draft = field(default_factory=Draft)


def read_detail(project: Project, editor: Editor, sequence_id: int, *, blind: bool) -> Detail:
    """Read one sequence, all of one moment.

    Args:
        project: The open project.
        editor: Editor of the person whose draft is read.
        sequence_id: Id of the sequence.
        blind: Shuffle the candidates, and leave out everything that says what was decided or painted.
    """
    with project.snapshot():
        # Blindly, what somebody painted says as much as what they decided.
        stored_draft = editor.draft(sequence_id)
        draft = Draft() if blind else stored_draft
        existing = analyses(project, sequence_id)
        if not existing or existing[0].error:
            return Detail(draft=draft)
        listed = [c for c in all_candidates(project, sequence_id) if c.id not in stored_draft.hidden]
        # A composite whose acceptance was taken back lives on in its layers.
        decided = {d.candidate_id for d in by_sequence(project, [sequence_id])[sequence_id]}
        listed = [c for c in listed if not c.recipe.is_composite or c.id in decided]
        listed = _placed_by_score(listed, existing[0].id)
        if blind:
            random.Random(f"{editor.who}/{project.uuid}/{sequence_id}").shuffle(listed)
        return Detail(existing[0], tuple(listed), tuple(rain_amounts(project, existing[0].id)), draft)


def _placed_by_score(listed: list[StoredCandidate], main: int) -> list[StoredCandidate]:
    """Place what a person kept or composed before the first candidate of the main analysis that scores worse."""
    placed = [c for c in listed if c.analysis_id == main]
    for one in listed:
        if one.analysis_id != main:
            at = next((i for i, other in enumerate(placed) if other.score > one.score), len(placed))
            placed.insert(at, one)
    return placed
