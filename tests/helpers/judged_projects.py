"""Sequences with made-up candidates, and people with a taste: what suggestions are learned from, without any clips."""

import json

import numpy as np

from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import decisions
from pipeline.project.model import Decision, Sequence, StoredCandidate
from pipeline.project.storage.database import Project
from rainclean.verdict.rules import Verdict

OFFSETS = (0, -5, 5, -10, 10)
FIT = json.dumps(Verdict("fit").to_json())


def fill(project: Project, count: int, seed: int = 0) -> list[Sequence]:
    """Add analysed sequences of five candidates each, with the first picture of the project, if any."""
    rng = np.random.default_rng(seed)
    before = {s.id for s in sequences(project)}
    picture = project.value("SELECT picture FROM candidate") or "none.png"
    with project.transaction():
        clip = project.value("SELECT id FROM clip") or project.insert(
            "clip", content="none", path="/none.mkv", relative="none.mkv", copied=0, bytes=1, modified_ns=0, width=72,
            height=56, frame_count=99, duration=4.0, codec="none", salvage=0, notes="[]", added="2026-01-01T00:00:00Z",
        )  # fmt: skip
        first = 10_000 * (1 + len(before))
        for number in range(count):
            name = f"made{len(before) + number}"
            sequence = project.insert(
                "sequence", clip_id=clip, name=name, first=first + number, last=first + number + 9, scene=name,
                scene_by="name", background=b"",
            )  # fmt: skip
            analysis = project.insert(
                "analysis", sequence_id=sequence, settings='{"recipe": null}', settings_hash="made", rainclean="1",
                finished="2026-01-01T00:00:00Z", error="", reference_frame=0, region="[0, 0, 72, 56]", warnings="[]",
                rain="[]", sheet="", scoring_target=f"target{number}", spread=float(rng.uniform(0.3, 2)), verdict=FIT,
            )  # fmt: skip
            defects = np.abs(rng.normal(0.3, 0.15, (len(OFFSETS), 4)))
            order = np.argsort(defects.sum(axis=1))
            for rank, offset in enumerate(rng.permutation(OFFSETS)):
                named = "n100-vote" + (f"-{'minus' if offset < 0 else 'plus'}{abs(offset)}" if offset else "")
                project.insert(
                    "candidate", analysis_id=analysis, rank=rank + 1, name=named, recipe_hash=named, picture=picture,
                    recipe=json.dumps({"frames": 100, "offset": int(offset), "name": named, "words": named}),
                    percentile=float(35 + offset), eta=35, silent_share=0.0, merged="[]",
                    **dict(zip(("streaks", "detail", "darkening", "disagreement"), defects[order[rank]].tolist(),
                               strict=True)),
                )  # fmt: skip
    return [s for s in sequences(project) if s.id not in before]


def line_up(project: Project, sequence: Sequence) -> list[StoredCandidate]:
    """The candidates of a sequence, best-scored first."""
    return candidates(project, analyses(project, sequence.id)[0].id)


def lowest(project: Project, sequence: Sequence) -> StoredCandidate:
    """What somebody chooses who wants dark pictures."""
    return min(line_up(project, sequence), key=lambda c: c.percentile)


def judge(project: Project, sequence: Sequence, chosen: StoredCandidate, who: str = "Ann") -> Decision:
    """A person accepts a candidate."""
    with project.transaction():
        return decisions.one(project, decisions.append(project, sequence.id, "accepted", who, chosen.id))


def judged_project(project: Project, count: int = 16, seed: int = 0) -> list[Sequence]:
    """Sequences of which Ann has accepted the lowest percentile each time."""
    made = fill(project, count, seed)
    for sequence in made:
        judge(project, sequence, lowest(project, sequence))
    return made
