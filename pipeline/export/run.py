"""The stage behind ``rainclean export``: pictures sequence by sequence, then names, lists and manifest."""

import logging
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.border import border
from pipeline.clean import STILL_PX
from pipeline.export.assembly import Exported, assemble
from pipeline.export.exclusions import read_exclusions
from pipeline.export.pair_record import PairRecord
from pipeline.export.pair_writer import PairWriter
from pipeline.export.plan import ExportSettings, Item, Plan, plan_export
from pipeline.export.sequence_tables import part_name
from pipeline.export.workplace import Workplace
from pipeline.project.analysis import read_pictures, read_posterior, whole_sequence
from pipeline.project.storage import Project
from pipeline.stages import Progress, part_of
from pipeline.text_format import counted, few
from rainclean import confidence
from rainclean.errors import RaincleanError, ResourceError
from rainclean.temporal import luma
from rainclean.video import FrameSource, Reduced, shift_between

U8 = NDArray[np.uint8]

_log = logging.getLogger(__name__)

WRITERS = 2
"""Pairs coded at a time."""

_NO_PAIR = (
    "no pairs to export: every frame is misaligned with the clean image, or every crop has too little rain "
    "(--min-rain) or too much that is excluded (--max-excluded, --max-error)"
)


def export(project: Project, settings: ExportSettings, target: Path) -> Generator[Progress, None, Exported]:
    """Write a data set of all decided sequences into a folder, in place of an earlier export there.

    The folder appears when everything is written. A stage that is closed, fails or is killed leaves the target
    untouched; the next call with the same project and settings uses what was prepared.

    Args:
        project: Open project whose decisions are exported.
        settings: What to export, and how.
        target: Folder of the data set.

    Yields:
        Progress of the stages "look", "write", "preview" and "name".

    Returns:
        The content of the export.

    Raises:
        RaincleanError: Nothing is decided, a clip cannot be read, or the target cannot be used.
        ResourceError: The disk is full or fails.
    """
    plan = plan_export(project, settings)
    _log.info("exporting %s of %s", counted(len(plan.items), "sequence"), project.folder)
    with Workplace(target, plan.hash) as workplace:
        try:
            records: dict[int, list[PairRecord]] = {}
            failed: dict[str, str] = {}
            for done, item in enumerate(plan.items):
                name = item.sequence.name
                # A sequence that cannot be read does not keep the others from being prepared for the next call.
                with border(name, partial(failed.__setitem__, name), through=(ResourceError,)), project.explaining():
                    yield from part_of(_prepare(project, plan, item, workplace), name, done, len(plan.items))
                    records[item.sequence.id] = workplace.stored(part_name(item)) or []
            if failed:
                yield from _refuse(failed, len(plan.items), workplace.kept_words())
            if not any(records.values()):
                workplace.clear()
                raise RaincleanError(_NO_PAIR)
            result = yield from assemble(plan, records, workplace)
        except ResourceError as error:
            raise ResourceError(f"{error}; {workplace.kept_words()}") from error
        except OSError as error:
            reason = f"{error.filename or target}: {error.strerror or error}"
            raise ResourceError(f"{reason}; {workplace.kept_words()}") from error
        kept = workplace.finish()
    _log.info("wrote the data set %s: %s pairs", target, sum(result.pairs.values()))
    result.notes += kept.notes()
    return result


def _refuse(failed: dict[str, str], asked: int, kept: str) -> Generator[Progress, None, None]:
    """Raise RaincleanError for sequences that could not be prepared; where there are several each gets a line."""
    if len(failed) == 1:
        raise RaincleanError(f"{next(iter(failed.values()))}; {kept}")
    for name, reason in failed.items():
        yield Progress("write", 1, 1, note=f"failed: {reason}").as_part(name, asked, asked)
    raise RaincleanError(f"{len(failed)} of {asked} sequences could not be exported ({few(list(failed))}); {kept}")


def _prepare(project: Project, plan: Plan, item: Item, workplace: Workplace) -> Generator[Progress, None, None]:
    """Write the pictures of one sequence under numbers; how they will be named depends on all sequences."""
    if workplace.is_stored(part_name(item)):
        earlier = workplace.stored(part_name(item))
        if earlier is not None and _is_sound(workplace, item, earlier):
            return
        yield Progress("write", 0, None, note="prepared images were changed since, so they are written again")
    picture = item.candidate.picture
    clean = (yield from read_pictures(project, [picture]))[picture]
    exclusions = read_exclusions(
        project, item.analysis, item.candidate.picture, item.decision.exclude, plan.settings.exclusion
    )
    confidence_picture = _confidence(project, item, clean) if plan.settings.confidence else None
    with whole_sequence(project, item.sequence, item.analysis.stabilization) as source:
        frames = yield from _aligned_frames(plan, item, source, clean)
        writer = PairWriter(
            item,
            clean,
            exclusions=exclusions,
            confidence=confidence_picture,
            crops=plan.settings.crops,
            folder=workplace.pictures(part_name(item)),
        )
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="rainclean-export") as pool:
            waiting: list[Future[list[PairRecord]]] = []
            records: list[PairRecord] = []
            for done, frame in enumerate(source.read(frames, item.analysis.region), 1):
                waiting.append(pool.submit(writer.write, frame))
                # As many frames in memory as are being written and one more.
                while len(waiting) > WRITERS:
                    records += waiting.pop(0).result()
                yield Progress("write", done, len(frames))
            for future in waiting:
                records += future.result()
    workplace.store(part_name(item), records)


def _is_sound(workplace: Workplace, item: Item, records: Sequence[PairRecord]) -> bool:
    """Return whether the pictures that an earlier call prepared of a sequence are unchanged."""
    checksums = {name: digest for record in records for name, digest in record.checksums.items()}
    try:
        return workplace.holds(part_name(item), checksums)
    except OSError as error:
        raise ResourceError(f"{error.filename or workplace.work}: {error.strerror or error}") from error


def _confidence(project: Project, item: Item, clean: U8) -> U8 | None:
    """Return the confidence picture of the clean image, (H, W) uint8; None where no expected error is known."""
    posterior = read_posterior(project, item.analysis)
    return None if posterior is None else confidence.to_picture(posterior.error(clean))


def _aligned_frames(plan: Plan, item: Item, source: FrameSource, clean: U8) -> Generator[Progress, None, list[int]]:
    """Return the frames that were asked for, without those that are misaligned with the clean image.

    In place of such a frame "differ" takes another one; in place of one that a person chose none is taken. Stabilized
    frames are aligned: frames that cannot be stabilized are known already.
    """
    amounts = item.amounts
    if item.analysis.stabilization:
        return item.choose(plan.settings.frames, amounts)
    reference = Reduced(luma(clean))
    shifts: dict[int, float | None] = {}
    while True:
        chosen = item.choose(plan.settings.frames, amounts)
        unseen = [index for index in chosen if index not in shifts]
        for done, frame in enumerate(source.read(unseen, item.analysis.region), 1):
            shifts[frame.index] = shift_between(reference, Reduced(luma(frame.rgb)))
            yield Progress("look", done, len(unseen))
        misaligned = _misaligned(shifts)
        if item.frames is not None or plan.settings.frames.kind != "differ" or misaligned.isdisjoint(chosen):
            return [index for index in chosen if index not in misaligned]
        for index in misaligned & amounts.keys():
            del amounts[index]


def _misaligned(shifts: dict[int, float | None]) -> set[int]:
    """Return the frames that show another view than the clean image, given their shifts against it in px.

    None is a shift that cannot be measured. It is taken for a large one where the camera is known to move, or where
    nearly all other shifts were measured; else the frame has too little texture, or too much rain, to say anything.
    """
    known = [shift for shift in shifts.values() if shift is not None]
    too_far = max(known, default=0.0) > STILL_PX or len(known) >= 0.8 * len(shifts)
    return {index for index, shift in shifts.items() if (too_far if shift is None else shift > STILL_PX)}
