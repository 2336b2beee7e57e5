"""Projects in which a person has decided, painted and kept something."""

import numpy as np

from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.editing.editor import Editor
from pipeline.project.model import Sequence, StoredCandidate
from pipeline.project.overview import overview
from pipeline.project.storage.database import Project
from rainclean.candidates.quality import Scores
from rainclean.candidates.recipe import Recipe
from rainclean.compositing.composite import Shape
from tests.helpers.rainy_clips import rainy_frames

LEFT = Shape("rectangle", ((0.0, 0.0), (30.0, 56.0)))


def sequence_at(project: Project, place: int = 0) -> tuple[Sequence, list[StoredCandidate]]:
    sequence = sequences(project)[place]
    return sequence, candidates(project, analyses(project, sequence.id)[0].id)


def work(project: Project, who: str) -> dict[str, str]:
    """A bit of everything; returns what holds afterwards, by sequence."""
    editor = Editor(project, who)
    (cat, of_cat), (dog, of_dog), (elk, _) = (sequence_at(project, i) for i in range(3))
    editor.star(cat, on=True)
    editor.star(dog, on=True)
    editor.undo()
    editor.note(dog, "drips, «ä»")
    editor.choose_frames(dog, [3, 7])
    editor.paint(cat, of_cat[0].id, of_cat[1].id, LEFT)
    editor.exclude(cat, LEFT)
    editor.accept(cat, of_cat[0].id, "composite")
    picture = np.full((56, 72, 3), 90, np.uint8)
    one = editor.keep(
        dog,
        Recipe.parse("n24-p33_3"),
        picture,
        eta=40,
        silent_share=0.0,
        scores=Scores(streaks=0.1, detail=0.2, darkening=0.3, disagreement=0.4),
    )
    editor.accept(dog, one.id)
    editor.reject(elk)
    editor.undo()
    editor.reject(elk, ["camera", "damaged"], "blown by the wind")
    editor.opine(dog, of_dog[1].id)
    return {line.sequence.name: f"{line.state} {line.chosen}" for line in overview(project)}


def kept_one(desk: Project, ann: Editor, name: str = "n24-p37_5") -> tuple[Sequence, StoredCandidate]:
    cat, _ = sequence_at(desk)
    picture = np.percentile(rainy_frames(0), 37.5, axis=0).astype(np.uint8)
    return cat, ann.keep(
        cat,
        Recipe.parse(name),
        picture,
        eta=45,
        silent_share=0.01,
        scores=Scores(streaks=0.1, detail=0.2, darkening=0.3, disagreement=0.4),
    )
