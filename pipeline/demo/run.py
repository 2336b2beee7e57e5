"""The main job on the shipped samples: clips in, a checked data set out, SPANet trained, scores against ground truth.

The samples are photographs with simulated rain, so every clean image can be scored.
"""

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.clean import CleanSettings, clean
from pipeline.demo.report import PROTOCOL, DemoRow, Shown, write_report
from pipeline.demo.training import Learnt, train_and_evaluate
from pipeline.export import Exported, ExportSettings, check, export
from pipeline.project.analysis import analysis, analyze, candidate, candidates, read_picture
from pipeline.project.clips import Origin, Properties, add, clip, describe, open_clip, sequences
from pipeline.project.decisions import choose_best, current
from pipeline.project.storage import DATABASE, Project
from pipeline.stages import Progress, part_of
from rainclean.dataset import FrameChoice
from rainclean.errors import RaincleanError
from rainclean.metrics import score
from rainclean.simulate import truth

U8 = NDArray[np.uint8]

SAMPLES = {
    "cat": "Stéfan van der Walt",
    "launch": "SpaceX",
    "portrait": "NASA",
    "table": "Rachel Michetti",
}
"""Folders in sample_sequences/, and who took the photographs."""

SETTINGS = ExportSettings("spa", FrameChoice("differ", 10))


@dataclass(kw_only=True)
class DemoResult:
    """The result of the demo. problems: of `check` on the data set; learnt: None where SPANet is not installed."""

    project: Path
    dataset: Path
    report: Path
    exported: Exported
    learnt: Learnt | None
    rows: list[DemoRow] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def demo(output: Path) -> Generator[Progress, None, DemoResult]:
    """Run the demo.

    Args:
        output: Folder for project, dataset, run, evaluation and report.html.

    Yields:
        Progress of every stage.

    Raises:
        RaincleanError: The folder holds other things, or a stage failed.
    """
    home, page = output / "project", output / "report.html"
    exists = (home / DATABASE).exists()
    if os.path.lexists(page) and not (exists and _is_ours(page)):
        raise RaincleanError(f"{page}: was not written by the demo; choose another folder with -o")
    with Project(home) if exists else Project.create(home) as project:
        foreign = [s.name for s in sequences(project) if s.name not in SAMPLES]
        if foreign:
            raise RaincleanError(
                f"{home}: holds {foreign[0]}, which is not part of the demo; choose another folder with -o"
            )
        paths = [sample_folder(name) for name in SAMPLES]
        added = yield from add(
            project, paths, Origin(source="rainclean sample", licence="see sample_sequences/README.md")
        )
        for name in added.sequences:
            describe(project, [name], Properties(author=SAMPLES.get(name, "")))
        # Again, on a second demo: it shows the work, so earlier results do not count.
        analyzed = yield from analyze(project, (), CleanSettings(), again=True)
        for failure in [*added.failed, *analyzed.failed.values()]:
            raise RaincleanError(failure)
        choose_best(project)
        exported = yield from export(project, SETTINGS, output / "dataset")
        found = yield from check(output / "dataset")
        shown = yield from _measure(project)
    problems = [str(problem) for problem in found.problems]
    learnt = yield from train_and_evaluate(output)
    write_report(page, [pictures for _, pictures in shown], exported, found, learnt)
    rows = [row for row, _ in shown]
    return DemoResult(
        project=home,
        dataset=output / "dataset",
        report=page,
        exported=exported,
        learnt=learnt,
        rows=rows,
        problems=problems,
    )


def _is_ours(page: Path) -> bool:
    """Return whether a report was written by the demo."""
    with page.open("rb") as file:
        return not page.is_symlink() and b"<title>rainclean demo</title>" in file.read(300)


def sample_folder(name: str) -> Path:
    """Return the folder of a sample in sample_sequences/, in a clone or an installed wheel."""
    with as_file(files("sample_sequences") / name) as path:
        return path


def _psnr(picture: U8, known: U8) -> float:
    return score(picture, known, PROTOCOL).psnr


def _measure(project: Project) -> Generator[Progress, None, list[tuple[DemoRow, Shown]]]:
    """Score the pictures of every clip against the ground truth."""
    rows = []
    made = current(project)
    chosen = [s for s in sequences(project) if s.name in SAMPLES and s.id in made and made[s.id].candidate_id]
    for done, sequence in enumerate(chosen):
        decided = candidate(project, made[sequence.id].candidate_id or 0)
        reference = analysis(project, decided.analysis_id).reference_frame
        folder = sample_folder(sequence.name)
        known = truth(folder, reference)
        worth, pictures = {}, {}
        for one in candidates(project, decided.analysis_id):
            pictures[one.name] = read_picture(project, one.picture)
            worth[one.name] = _psnr(pictures[one.name], known)
        with open_clip(project, clip(project, sequence.clip_id)) as source:
            rainy = next(iter(source.read([reference]))).rgb
            cleaning = clean(source, CleanSettings(recipe="released"))
            with (yield from part_of(cleaning, sequence.name, done, len(chosen))) as released:
                by_rule = released.picture(released.candidates[0]).copy()
                rule_db = _psnr(by_rule, truth(folder, released.selection.reference_frame))
        best = max(worth, key=worth.__getitem__)
        row = DemoRow(
            clip=sequence.name,
            eta=decided.eta,
            frames=decided.recipe.frames or 0,
            candidate=decided.name,
            best_candidate=best,
            rainy_db=_psnr(rainy, known),
            released_db=rule_db,
            choice_db=worth[decided.name],
            best_db=worth[best],
        )
        choice = pictures[decided.name]
        shown = Shown(row=row, rainy=rainy, released=by_rule, choice=choice, best=pictures[best], truth=known)
        rows.append((row, shown))
    return rows
