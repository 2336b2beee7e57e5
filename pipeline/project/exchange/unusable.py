"""Decisions that cannot be used: an older rainclean imported their candidates or masks without a check.

`decisions import` refuses such lines now. Those in a store already are named and left out, and can be taken back.
"""

import json
from typing import Any

from pipeline.project.decisions import current
from pipeline.project.model import SCORE_COLUMNS, Decision
from pipeline.project.storage import Project
from rainclean.errors import InputError, RaincleanError
from rainclean.video import Region


def faults(project: Project) -> dict[int, str]:
    """Return why decisions cannot be used, by the sequence's id; sequences with a sound decision are left out.

    What people made (masks, composites, kept candidates) is checked, without decoding pictures.
    """
    result = {}
    decided = {
        row["id"]: (row["sequence_id"], row["origin"])
        for row in project.rows(
            "SELECT candidate.id, sequence_id, origin FROM candidate JOIN analysis ON analysis_id = analysis.id "
            "WHERE candidate.id IN (SELECT candidate_id FROM decision)"
        )
    }
    for number, decision in current(project).items():
        if decision.candidate_id is None:
            continue
        if decided.get(decision.candidate_id) == (number, "analysis") and not decision.exclude:
            continue  # nearly all: one query for them together
        try:
            _check(project, decision)
        except RaincleanError as error:
            result[number] = " ".join(str(error).split())
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OverflowError) as error:
            result[number] = f"its candidate is damaged ({type(error).__name__})"
    return result


def advice(project_words: str, name: str) -> str:
    """Return how to take a decision back.

    Args:
        project_words: The project as in a command.
        name: The sequence.
    """
    return f"withdraw it with: rainclean select {project_words} {name} --undo"


def _check(project: Project, decision: Decision) -> None:
    rows = project.rows(
        "SELECT candidate.*, region, reference_frame, rain, stabilization, origin, sequence.id AS sequence, "
        "coalesce(analysis.chosen_first, first) AS first, coalesce(analysis.chosen_last, last) AS last, width, height "
        "FROM candidate JOIN analysis ON analysis_id = analysis.id JOIN sequence ON "
        "analysis.sequence_id = sequence.id JOIN clip ON clip_id = clip.id WHERE candidate.id = ?",
        decision.candidate_id,
    )
    if not rows:
        raise InputError("the candidate", "is not in the store")
    row = rows[0]
    if row["sequence"] != decision.sequence_id:
        raise InputError("the candidate", "belongs to another sequence")
    region = Region(*json.loads(row["region"]))
    if row["origin"] != "analysis":
        _check_made(project, row, region)
    if decision.exclude:
        _check_header(project, decision.exclude, region, "the exclusion mask", "grey")


def _check_made(project: Project, row: Any, region: Region) -> None:
    from pipeline.project.editing import made_recipes

    document = json.loads(row["recipe"])
    if row["origin"] == "composite":
        made_recipes.read_composite(document)
    elif not isinstance(document, dict) or not isinstance(document.get("name"), str):
        raise InputError("its recipe", "is not a recipe")
    json.dumps(document, ensure_ascii=False).encode()  # what cannot be written cannot be exported
    x, y, width, height = region
    if min(x, y) < 0 or min(width, height) < 1 or x + width > row["width"] or y + height > row["height"]:
        raise InputError("its region", "lies outside the frame")
    if not row["first"] <= row["reference_frame"] < row["last"]:
        raise InputError("its reference frame", "lies outside the sequence")
    rain = json.loads(row["rain"])
    if len(rain) != row["last"] - row["first"] or not all(v is None or abs(v) < 1e6 for v in rain):
        raise InputError("its rain amounts", "are damaged, or not one for each frame")
    more = json.loads(row["more_scores"]).values()
    if not all(abs(value) < 1e6 for value in (row["percentile"], *(row[name] for name in SCORE_COLUMNS), *more)):
        raise InputError("its scores", "are not numbers")
    _check_header(project, row["picture"], region, "its image", "RGB")
    if row["stabilization"]:
        from pipeline.project.analysis import read_stabilization

        stabilization = read_stabilization(project, row["stabilization"])
        if why := stabilization.misfit((row["width"], row["height"]), range(row["first"], row["last"])):
            raise InputError("its stabilization", why)
        if tuple(stabilization.region) != tuple(region):
            raise InputError("its stabilization", "has another region")


def _check_header(project: Project, name: str, region: Region, what: str, colour: str) -> None:
    from rainclean.png import png_header

    header = png_header(project.artefacts.read(name), project.artefacts.path(name))
    if (header.width, header.height, header.depth, header.colour) != (region.width, region.height, 8, colour):
        size = f"has {header.width}×{header.height} px, the candidate {region.width}×{region.height}"
        raise InputError(what, size)
