"""The stage behind ``rainclean analyze``: candidates for every sequence that has none by these settings."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import partial

from pipeline.border import border
from pipeline.clean import CleanSettings
from pipeline.project.analysis.compute import compute, lasting
from pipeline.project.analysis.findings import verdict_of
from pipeline.project.analysis.frames import whole_sequence
from pipeline.project.analysis.records import AnalysisRow, analyses, store_analysis, wanted_artefacts
from pipeline.project.clips import MAX_NAMED, sequences
from pipeline.project.documents import AnalysisSettings
from pipeline.project.model import Chosen
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.stages import Progress, part_of


@dataclass(kw_only=True)
class Analyzed:
    """Names of sequences: analysed now, done before; errors of those that failed; warnings, verdict of the others."""

    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, row: AnalysisRow) -> None:
        """Note an analysis that was stored."""
        self.done.append(name)
        self.warnings[name] = row.warnings
        verdict = verdict_of(row.findings.verdict)
        if verdict is not None:
            self.verdicts[name] = verdict.description


def analyze(
    project: Project, names: Sequence[str], settings: CleanSettings, *, again: bool = False, keep: int | None = None
) -> Generator[Progress, None, Analyzed]:
    """Make candidates sequence by sequence; each is on disk before the next is begun.

    Frames and region are those of the sequence; a region in the settings is not used. A sequence whose frames or region
    were changed since is analysed anew. Candidates of other settings stay. A sequence that fails is noted with the
    reason, and the others go on; the next call tries it again. Closing the stage loses the sequence under way, nothing
    else.

    Args:
        project: The project.
        names: Sequences to analyse, all if empty.
        settings: What is asked for.
        again: Also analyse sequences that were analysed by these settings.
        keep: Keep the pictures of this many candidates, the best ones that a person can tell apart; None for all.

    Returns:
        What became of each sequence.

    Raises:
        RaincleanError: Another process is analysing this project.
    """
    result = Analyzed()
    with project.job("analyze"):
        chosen = sequences(project, names)
        wanted = lasting(settings)
        todo = chosen if again else not_analysed(project, chosen, wanted)
        left = {s.id for s in todo}
        result.skipped = [s.name for s in chosen if s.id not in left]
        for done, sequence in enumerate(todo):
            with border(sequence.name, partial(result.failed.__setitem__, sequence.name)), project.explaining():
                row = yield from part_of(_analyze(project, sequence, settings, keep), sequence.name, done, len(todo))
                result.add(sequence.name, row)
            if sequence.name in result.failed:
                note_failure(project, sequence, wanted, result.failed[sequence.name])
        sweep(project)
    return result


def sweep(project: Project) -> None:
    """Move pictures that nothing refers to into the trash. A damaged store is no proof that nothing does."""
    if not project.problems():
        project.artefacts.sweep(wanted_artefacts(project))


def not_analysed(project: Project, chosen: Sequence[ClipSequence], wanted: AnalysisSettings) -> list[ClipSequence]:
    """Return the sequences without an analysis by these settings, of the frames and the region that they have now."""
    few = [sequence.id for sequence in chosen] if len(chosen) <= MAX_NAMED else []
    of_few = f" AND sequence_id IN ({', '.join('?' * len(few))})" if few else ""
    # What an older rainclean left without a verdict is analysed again: it takes the frames to judge.
    rows = project.rows(
        "SELECT sequence_id, chosen_first, chosen_last, chosen_region FROM analysis "
        f"WHERE error = '' AND verdict != '' AND settings_hash = ?{of_few}", wanted.hash, *few,
    )  # fmt: skip
    done = {(row["sequence_id"], Chosen.from_columns(row)) for row in rows}
    return [sequence for sequence in chosen if (sequence.id, sequence.chosen) not in done]


def note_failure(project: Project, sequence: ClipSequence, wanted: AnalysisSettings, error: str) -> None:
    """Keep the reason, unless there are candidates: a disk that is not at hand does not take those away."""
    if all(a.error for a in analyses(project, sequence.id)):
        store_analysis(project, sequence.id, AnalysisRow(settings=wanted, error=error, chosen=sequence.chosen), ())


def _analyze(
    project: Project, sequence: ClipSequence, settings: CleanSettings, keep: int | None
) -> Generator[Progress, None, AnalysisRow]:
    yield Progress("open", 0, None)
    with whole_sequence(project, sequence) as source:
        computed = yield from compute(source, sequence, settings, project.artefacts, keep=keep)
    store_analysis(project, sequence.id, computed.row, computed.candidates)
    return computed.row
