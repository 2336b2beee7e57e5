"""The stage behind ``rainclean export``: pictures sequence by sequence, then names, lists and manifest."""

import csv
import hashlib
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.border import border
from pipeline.clean import STILL_PX
from pipeline.export.exclusions import REASONS, Excluded, Exclusions, read_exclusions
from pipeline.export.plan import ExportSettings, Item, Plan, plan_export, versions
from pipeline.export.report import REPORT, write_report
from pipeline.export.workplace import SEQUENCES, Workplace
from pipeline.project.analysis import read_posterior, whole_sequence
from pipeline.project.storage import Project
from pipeline.stages import Progress, part_of
from pipeline.words import counted, few
from rainclean import __version__, confidence
from rainclean.dataset import (
    NAME,
    PARQUET_NAME,
    Crop,
    ManifestRow,
    PairKey,
    PairPaths,
    Widths,
    has_parquet,
    layout,
    rain_amount,
    write_manifest,
    write_parquet,
)
from rainclean.errors import RaincleanError, ResourceError
from rainclean.png import encode_png, pixels_sha256
from rainclean.temporal import luma
from rainclean.video import Frame, FrameSource, Reduced, shift_between

U8 = NDArray[np.uint8]

WRITERS = 2
"""Pairs coded at a time."""

_NO_PAIR = (
    "no pairs to export: every frame is misaligned with the clean image, or every crop has too little rain "
    "(--min-rain) or too much that is excluded (--max-excluded, --max-error)"
)

_SEQUENCE_COLUMNS = (
    "sequence", "scene", "scene_by", "split", "clip", "clip_sha256", "first", "last", "width", "height",
    "source", "author", "licence", "consent", "notes",
    "recipe", "decision", "decision_kind", "decided_by", "decided_at", "decision_note", "decision_reasons",
    "opinions", "opinions_agreeing", "frames", "pairs", "steadied", "excluded",
    "colours",
    "verdict", "verdict_reasons",
)  # fmt: skip


@dataclass
class Exported:
    """What an export holds. pairs, scenes: number by split. notes: what a person should know."""

    folder: Path
    pairs: dict[str, int] = field(default_factory=dict)
    scenes: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def export(project: Project, settings: ExportSettings, target: Path) -> Generator[Progress, None, Exported]:
    """Write a data set of all decided sequences into a folder, in place of an earlier export there.

    The folder comes into being when everything is written. A stage that is closed, fails or is killed leaves the
    target as it was; what was prepared is used again by the next call with the same project and settings.
    Raises RaincleanError.
    """
    plan = plan_export(project, settings)
    with Workplace(target, plan.hash) as workplace:
        try:
            parts: dict[int, list[dict[str, Any]]] = {}
            failed: dict[str, str] = {}
            for done, item in enumerate(plan.items):
                name = item.sequence.name
                # A sequence that cannot be read does not keep the others from being prepared for the next call.
                with border(name, partial(failed.__setitem__, name), through=(ResourceError,)), project.explaining():
                    yield from part_of(_prepare(project, plan, item, workplace), name, done, len(plan.items))
                    parts[item.sequence.id] = workplace.stored(_part(item)) or []
            if failed:
                yield from _refuse(failed, len(plan.items), workplace.kept())
            if not any(parts.values()):
                workplace.clear()
                raise RaincleanError(_NO_PAIR)
            result = yield from _assemble(plan, parts, workplace)
        except ResourceError as error:
            raise ResourceError(f"{error}; {workplace.kept()}") from error
        except OSError as error:
            raise ResourceError(f"{error.filename or target}: {error.strerror or error}; {workplace.kept()}") from error
        workplace.finish()
    return result


def _refuse(failed: dict[str, str], asked: int, kept: str) -> Generator[Progress, None, None]:
    """Raise RaincleanError for sequences that could not be prepared; where there are several each gets a line."""
    if len(failed) == 1:
        raise RaincleanError(f"{next(iter(failed.values()))}; {kept}")
    for name, reason in failed.items():
        yield Progress("write", 1, 1, f"failed: {reason}").of(name, asked, asked)
    raise RaincleanError(f"{len(failed)} of {asked} sequences could not be exported ({few(list(failed))}); {kept}")


def _part(item: Item) -> str:
    return f"sequence-{item.sequence.id}"


def _prepare(project: Project, plan: Plan, item: Item, workplace: Workplace) -> Generator[Progress, None, None]:
    """Write the pictures of one sequence under numbers; how they will be named depends on all sequences."""
    if (before := workplace.stored(_part(item))) is not None:
        if _is_sound(workplace, item, before):
            return
        yield Progress("write", 0, None, "pictures that were prepared before are no longer as they were: made anew")
    clean = project.artefacts.picture(item.candidate.picture)
    marked, rules = item.decision.exclude, plan.settings.exclusion
    exclusions = read_exclusions(project, item.analysis, item.candidate.picture, marked, rules)
    sure = _confidence(project, item, clean) if plan.settings.confidence else None
    with whole_sequence(project, item.sequence, item.analysis.stabilization) as source:
        frames = yield from _still_frames(plan, item, source, clean)
        writer = _PairWriter(item, clean, exclusions, sure, workplace.pictures(_part(item)))
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="rainclean-export") as pool:
            waiting: list[Future[list[dict[str, Any]]]] = []
            rows: list[dict[str, Any]] = []
            for done, frame in enumerate(source.read(frames, item.analysis.region), 1):
                waiting.append(pool.submit(writer.write, plan, frame))
                # As many frames in memory as are being written and one more.
                while len(waiting) > WRITERS:
                    rows += waiting.pop(0).result()
                yield Progress("write", done, len(frames))
            for future in waiting:
                rows += future.result()
    workplace.store(_part(item), rows)


def _is_sound(workplace: Workplace, item: Item, rows: list[dict[str, Any]]) -> bool:
    """Whether what an earlier call prepared of a sequence is as it left it."""
    try:
        files = [(row, kind) for row in rows for kind in ("rainy", "clean", *_masks(row))]
        sums = {f"{row['file']}.{kind}.png": str(row[f"{kind}_sha256"]) for row, kind in files}
    except (KeyError, TypeError):
        return False
    try:
        return workplace.holds(_part(item), sums)
    except OSError as error:
        raise ResourceError(f"{error.filename or workplace.work}: {error.strerror or error}") from error


def _confidence(project: Project, item: Item, clean: U8) -> U8 | None:
    """The confidence picture of the clean image, (H, W) uint8; None where nothing says what to believe."""
    posterior = read_posterior(project, item.analysis)
    return None if posterior is None else confidence.to_picture(posterior.error(clean))


def _still_frames(plan: Plan, item: Item, source: FrameSource, clean: U8) -> Generator[Progress, None, list[int]]:
    """The frames that were asked for, without those in which the camera stands elsewhere than in the clean image.

    In place of such a frame "differ" takes another one; in place of one that a person chose none is taken. Stabilized
    frames stand where the clean image does: whether one can be stabilized is known.
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
        moved = _moved(shifts)
        if item.frames is not None or plan.settings.frames.kind != "differ" or moved.isdisjoint(chosen):
            return [index for index in chosen if index not in moved]
        for index in moved & amounts.keys():
            del amounts[index]


def _moved(shifts: dict[int, float | None]) -> set[int]:
    """Frames that show another view than the clean image, given their shifts against it in px.

    A shift that cannot be told is one too far to tell where the camera is known to move, or where nearly all others
    can be told; else there is too little texture, or too much rain, to say anything of that frame.
    """
    known = [shift for shift in shifts.values() if shift is not None]
    too_far = max(known, default=0.0) > STILL_PX or len(known) >= 0.8 * len(shifts)
    return {index for index, shift in shifts.items() if (too_far if shift is None else shift > STILL_PX)}


class _PairWriter:
    """Writes the pairs of one sequence, frame by frame, from several threads."""

    def __init__(self, item: Item, clean: U8, exclusions: Exclusions, confidence: U8 | None, folder: Path) -> None:
        self._item, self._clean, self._exclusions = item, clean, exclusions
        self._confidence, self._folder = confidence, folder

    def write(self, plan: Plan, frame: Frame) -> list[dict[str, Any]]:
        """Write all pairs of a frame; returns what is to be known of each."""
        excluded = self._exclusions.of(frame.index)
        crops = plan.settings.crops.choose(
            frame.rgb,
            self._clean,
            excluded.by_person,
            found=excluded.found,
            sequence=f"{self._item.clip.content}",
            frame=frame.index,
        )
        return [self._pair(frame, crop, excluded) for crop in crops]

    def _pair(self, frame: Frame, crop: Crop, excluded: Excluded) -> dict[str, Any]:
        x, y, width, height = crop.region
        box = np.s_[y : y + height, x : x + width]
        rainy, clean = frame.rgb[box], self._clean[box]
        exclude = None if excluded.mask is None else excluded.mask[box]
        stem = f"{frame.index}_{x}_{y}"
        row = {
            "file": stem,
            "frame": frame.index,
            "pts_seconds": round(frame.time, 6),
            "x": x + self._item.analysis.region.x,
            "y": y + self._item.analysis.region.y,
            "width": width,
            "height": height,
            "rain_share": crop.rain_share,
            "rain_amount": rain_amount(rainy, clean, exclude),
            "rainy_sha256": self._put(f"{stem}.rainy.png", rainy),
            "clean_sha256": self._put(f"{stem}.clean.png", clean),
            "rainy_pixels_sha256": pixels_sha256(rainy),
            "clean_pixels_sha256": pixels_sha256(clean),
            "exclude_sha256": "",
            "confidence_sha256": "",
            "excluded": excluded.why(box),
            "unsure": 0 if excluded.unsure is None else int(excluded.unsure[box].sum()),
        }
        if exclude is not None and exclude.any():
            row["exclude_sha256"] = self._put(f"{stem}.exclude.png", exclude)
        if self._confidence is not None:
            row["confidence_sha256"] = self._put(f"{stem}.confidence.png", self._confidence[box])
        return row

    def _put(self, name: str, picture: U8) -> str:
        data, path = encode_png(picture), self._folder / name
        try:
            path.write_bytes(data)
        except OSError as error:
            raise ResourceError(f"{path}: {error.strerror or error}") from error
        return hashlib.sha256(data).hexdigest()


def _assemble(
    plan: Plan, parts: dict[int, list[dict[str, Any]]], workplace: Workplace
) -> Generator[Progress, None, Exported]:
    """Name the pictures and write what goes with them."""
    result = Exported(workplace.target)
    workplace.begin()
    chosen = layout(plan.settings.layout)
    keyed = list(_keys(plan, parts))
    widths = Widths.of([key for key, _, _ in keyed])
    rows = []
    for done, (key, item, row) in enumerate(keyed, 1):
        paths = chosen.paths(key, widths)
        workplace.place(_part(item), f"{row['file']}.rainy.png", paths.rainy)
        workplace.place(_part(item), f"{row['file']}.clean.png", paths.clean)
        for mask in _masks(row):
            workplace.place(_part(item), f"{row['file']}.{mask}.png", getattr(paths, mask))
        rows.append(_manifest_row(item, row, paths))
        if done % 100 == 0 or done == len(keyed):
            yield Progress("name", done, len(keyed))
    files = {**chosen.lists(rows), NAME: write_manifest(rows), SEQUENCES: _sequences_csv(plan, parts)}
    if has_parquet():
        files[PARQUET_NAME] = write_parquet(rows)
    result.pairs = {split: sum(row.split == split for row in rows) for split in chosen.splits}
    result.scenes = {split: len({row.scene for row in rows if row.split == split}) for split in chosen.splits}
    result.notes = list(_notes(plan, parts, result))
    files[REPORT] = _report(plan, result, files)
    for name, data in files.items():
        path = workplace.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return result


def _keys(plan: Plan, parts: dict[int, list[dict[str, Any]]]) -> Iterator[tuple[PairKey, Item, dict[str, Any]]]:
    """Every pair with what names it, in the order of the manifest: split by split, scene by scene, as filmed."""
    serial = dict.fromkeys(plan.splits.values(), 0)
    order = layout(plan.settings.layout).splits
    for item in sorted(plan.items, key=lambda i: (order.index(i.split), i.scene_number, i.first_number)):
        for row in parts[item.sequence.id]:
            number = item.first_number + row["frame"] - item.sequence.first
            yield PairKey(item.split, item.scene_number, number, row["x"], row["y"], serial[item.split]), item, row
            serial[item.split] += 1


def _masks(row: dict[str, Any]) -> list[str]:
    """The masks that a pair has."""
    return [mask for mask in ("exclude", "confidence") if row[f"{mask}_sha256"]]


def _manifest_row(item: Item, row: dict[str, Any], paths: PairPaths) -> ManifestRow:
    candidate, masks = item.candidate, _masks(row)
    return ManifestRow(
        split=item.split,
        sequence=item.sequence.name,
        scene=item.sequence.scene,
        rainy=paths.rainy,
        clean=paths.clean,
        exclude=paths.exclude if "exclude" in masks else "",
        confidence=paths.confidence if "confidence" in masks else "",
        recipe=candidate.name,
        recipe_hash=candidate.recipe_hash,
        decision=item.decision.uuid,
        decision_kind=item.decision.kind,
        score=candidate.score,
        streaks=candidate.streaks,
        detail=candidate.detail,
        darkening=candidate.darkening,
        disagreement=candidate.disagreement,
        verdict=_verdict(item)[0],
        **{name: value for name, value in row.items() if name not in ("file", "excluded", "unsure")},
    )


def _sequences_csv(plan: Plan, parts: dict[int, list[dict[str, Any]]]) -> bytes:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_SEQUENCE_COLUMNS)
    for item in plan.items:
        s, d, rows = item.sequence, item.decision, parts[item.sequence.id]
        values = (
            s.name, s.scene, s.scene_by, item.split, item.clip.path.name, item.clip.content, s.first, s.stop,
            item.clip.width, item.clip.height, s.source, s.author, s.licence, s.consent, s.notes,
            item.candidate.name, d.uuid, d.kind, d.who, d.at, d.note, " ".join(d.reasons),
            item.opinions, item.agreeing, len({row["frame"] for row in rows}), len(rows),
            "yes" if item.analysis.stabilization else "no", " ".join(_excluded(rows)),
            item.clip.colours,
            *_verdict(item),
        )  # fmt: skip
        writer.writerow(values)
    return text.getvalue().encode()


def _verdict(item: Item) -> tuple[str, str]:
    """State and codes of the reasons; both "" where nobody judged."""
    verdict = item.verdict
    return ("", "") if verdict is None else (verdict.state, " ".join(reason.code for reason in verdict.reasons))


def _excluded(rows: list[dict[str, Any]]) -> list[str]:
    """Why something is excluded in any pair of a sequence, of `REASONS`."""
    there = {why for row in rows for why in row["excluded"]}
    return [why for why in REASONS if why in there]


def _unsure_share(rows: list[dict[str, Any]]) -> float:
    """Share of the pixels of a sequence's pairs that are excluded because their expected error is too large."""
    area = sum(row["width"] * row["height"] for row in rows)
    return sum(row["unsure"] for row in rows) / area if area else 0.0


def _notes(plan: Plan, parts: dict[int, list[dict[str, Any]]], result: Exported) -> Iterator[str]:
    yield from plan.notes
    empty = [item.sequence.name for item in plan.items if not parts[item.sequence.id]]
    if empty:
        yield f"no pair from {few(empty)}: the camera stands elsewhere than in the clean image, or no crop was allowed"
    fewer = []
    for item in plan.items:
        if item.frames is not None or plan.settings.frames.kind != "differ":
            asked = item.frames or item.choose(plan.settings.frames, item.amounts)
            used = {row["frame"] for row in parts[item.sequence.id]}
            if used and len(used) < len(asked):
                fewer.append(f"{item.sequence.name} {len(used)} of {len(asked)}")
    if fewer:
        yield f"frames used (in others the camera stands elsewhere, or no crop was allowed): {few(fewer)}"
    for why, what in (("doubtful", "where the clean image is in doubt"), ("passing", "what passes in a frame")):
        names = [item.sequence.name for item in plan.items if why in _excluded(parts[item.sequence.id])]
        if names:
            yield f"excluded beside what people marked, {what}: {few(names)} (--keep-moving leaves it in)"
    unsure = [(item, _unsure_share(parts[item.sequence.id])) for item in plan.items]
    named = [f"{item.sequence.name} {share:.0%}" for item, share in unsure if share]
    if named:
        yield f"excluded, expected errors above {plan.settings.max_error:g} levels, share of the pairs: {few(named)}"
    for split, share in plan.settings.split_shares().items():
        if share and not result.scenes[split]:
            yield f"no scene is left for {split}: {counted(len(plan.splits), 'scene')} in all"


def _report(plan: Plan, result: Exported, files: dict[str, bytes]) -> bytes:
    report = {
        "rainclean": __version__,
        "versions": versions(),
        "project": plan.project,
        "settings": plan.settings.to_json(),
        confidence.KEY: confidence.ERROR,
        "splits": {
            split: sorted(scene for scene, its in plan.splits.items() if its == split) for split in result.pairs
        },
        "pairs": result.pairs,
        "agreement": [asdict(each) for each in plan.agreement],
        "notes": result.notes,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    return write_report(report)
