"""The stage behind ``rainclean export``: pictures sequence by sequence, then names, lists and manifest."""

import csv
import hashlib
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.export.plan import ExportSettings, Item, Plan, plan_export, versions
from pipeline.export.report import REPORT, write_report
from pipeline.export.workplace import Workplace
from pipeline.project.clips import open_clip
from pipeline.project.masks import read_mask
from pipeline.project.store import Project
from pipeline.stages import Progress, part_of
from pipeline.watch import STILL_PX
from pipeline.words import counted, few
from rainclean import __version__
from rainclean.errors import InputError, RaincleanError, ResourceError
from rainclean.formats import layout
from rainclean.formats.layout import PairKey, Widths
from rainclean.formats.manifest import NAME, PARQUET_NAME, ManifestRow, has_parquet, write_manifest, write_parquet
from rainclean.formats.png import encode_png, pixels_sha256
from rainclean.pairs import Crop, rain_amount
from rainclean.temporal import luma
from rainclean.video import Frame, FrameSource
from rainclean.video.motion import Reduced, shift_between

U8 = NDArray[np.uint8]

SEQUENCES = "sequences.csv"

WRITERS = 2
"""Pairs coded at a time."""

_NO_PAIR = (
    "no pair is left: no frame stands as the clean image does, or no crop holds enough rain (--min-rain) and little "
    "enough of the exclusion masks (--max-excluded)"
)

_SEQUENCE_COLUMNS = (
    "sequence", "scene", "scene_by", "split", "clip", "clip_sha256", "first", "last", "width", "height",
    "source", "author", "licence", "consent", "notes",
    "recipe", "decision", "decision_kind", "decided_by", "decided_at", "decision_note", "decision_reasons",
    "opinions", "opinions_agreeing", "frames", "pairs",
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
            parts = {}
            for done, item in enumerate(plan.items):
                preparing = _prepare(project, plan, item, workplace)
                yield from part_of(preparing, item.sequence.name, done, len(plan.items))
                parts[item.sequence.id] = workplace.stored(_part(item)) or []
            if not any(parts.values()):
                workplace.clear()
                raise RaincleanError(_NO_PAIR)
            result = yield from _assemble(plan, parts, workplace)
        except OSError as error:
            raise ResourceError(f"{error.filename or target}: {error.strerror or error}; {workplace.kept()}") from error
        except InputError as error:
            raise RaincleanError(f"{error}; {workplace.kept()}") from error
        workplace.finish()
    return result


def _part(item: Item) -> str:
    return f"sequence-{item.sequence.id}"


def _prepare(project: Project, plan: Plan, item: Item, workplace: Workplace) -> Generator[Progress, None, None]:
    """Write the pictures of one sequence under numbers; how they will be named depends on all sequences."""
    if workplace.stored(_part(item)) is not None:
        return
    clean = project.artefacts.picture(item.candidate.picture)
    exclude = read_mask(project, item.decision.exclude) if item.decision.exclude else None
    with open_clip(project, item.clip) as source:
        frames = yield from _still_frames(plan, item, source, clean)
        writer = _PairWriter(item, clean, exclude, workplace.pictures(_part(item)))
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


def _still_frames(plan: Plan, item: Item, source: FrameSource, clean: U8) -> Generator[Progress, None, list[int]]:
    """The frames that were asked for, without those in which the camera stands elsewhere than in the clean image.

    In place of such a frame "differ" takes another one; in place of one that a person chose none is taken.
    """
    amounts = dict(zip(range(item.sequence.first, item.sequence.last), item.rain, strict=True))
    reference = Reduced(luma(clean))
    shifts: dict[int, float | None] = {}
    while True:
        chosen = _asked(plan, item, amounts)
        unseen = [index for index in chosen if index not in shifts]
        for done, frame in enumerate(source.read(unseen, item.analysis.region), 1):
            shifts[frame.index] = shift_between(reference, Reduced(luma(frame.rgb)))
            yield Progress("look", done, len(unseen))
        moved = _moved(shifts)
        if item.frames is not None or plan.settings.frames.kind != "differ" or moved.isdisjoint(chosen):
            return [index for index in chosen if index not in moved]
        for index in moved & amounts.keys():
            del amounts[index]


def _asked(plan: Plan, item: Item, amounts: dict[int, float]) -> list[int]:
    """The frames of a sequence that were asked for, given the rain amounts of those that can be had."""
    if item.frames is not None:
        return list(item.frames)
    return plan.settings.frames.choose(list(amounts), list(amounts.values()))


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

    def __init__(self, item: Item, clean: U8, exclude: U8 | None, folder: Path) -> None:
        self._item, self._clean, self._exclude, self._folder = item, clean, exclude, folder

    def write(self, plan: Plan, frame: Frame) -> list[dict[str, Any]]:
        """Write all pairs of a frame; returns what is to be known of each."""
        crops = plan.settings.crops.choose(
            frame.rgb, self._clean, self._exclude, sequence=f"{self._item.clip.content}", frame=frame.index
        )
        return [self._pair(frame, crop) for crop in crops]

    def _pair(self, frame: Frame, crop: Crop) -> dict[str, Any]:
        x, y, width, height = crop.region
        box = np.s_[y : y + height, x : x + width]
        rainy, clean = frame.rgb[box], self._clean[box]
        exclude = None if self._exclude is None else self._exclude[box]
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
        }
        if exclude is not None and exclude.any():
            row["exclude_sha256"] = self._put(f"{stem}.exclude.png", exclude)
        return row

    def _put(self, name: str, picture: U8) -> str:
        data = encode_png(picture)
        (self._folder / name).write_bytes(data)
        return hashlib.sha256(data).hexdigest()


def _assemble(
    plan: Plan, parts: dict[int, list[dict[str, Any]]], workplace: Workplace
) -> Generator[Progress, None, Exported]:
    """Name the pictures and write what goes with them."""
    result = Exported(workplace.target)
    chosen = layout(plan.settings.layout)
    keyed = list(_keys(plan, parts))
    widths = Widths.of([key for key, _, _ in keyed])
    rows = []
    for done, (key, item, row) in enumerate(keyed, 1):
        paths = chosen.paths(key, widths)
        workplace.place(_part(item), f"{row['file']}.rainy.png", paths.rainy)
        workplace.place(_part(item), f"{row['file']}.clean.png", paths.clean)
        if row["exclude_sha256"]:
            workplace.place(_part(item), f"{row['file']}.exclude.png", paths.exclude)
        rows.append(_manifest_row(item, row, paths.rainy, paths.clean, paths.exclude if row["exclude_sha256"] else ""))
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


def _manifest_row(item: Item, row: dict[str, Any], rainy: str, clean: str, exclude: str) -> ManifestRow:
    candidate = item.candidate
    return ManifestRow(
        split=item.split,
        sequence=item.sequence.name,
        scene=item.sequence.scene,
        rainy=rainy,
        clean=clean,
        exclude=exclude,
        confidence="",
        recipe=candidate.name,
        recipe_hash=candidate.recipe_hash,
        decision=item.decision.uuid,
        decision_kind=item.decision.kind,
        score=candidate.score,
        streaks=candidate.streaks,
        detail=candidate.detail,
        darkening=candidate.darkening,
        disagreement=candidate.disagreement,
        confidence_sha256="",
        **{name: value for name, value in row.items() if name != "file"},
    )


def _sequences_csv(plan: Plan, parts: dict[int, list[dict[str, Any]]]) -> bytes:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_SEQUENCE_COLUMNS)
    for item in plan.items:
        s, d, rows = item.sequence, item.decision, parts[item.sequence.id]
        values = (
            s.name, s.scene, s.scene_by, item.split, item.clip.path.name, item.clip.content, s.first, s.last,
            item.clip.width, item.clip.height, s.source, s.author, s.licence, s.consent, s.notes,
            item.candidate.name, d.uuid, d.kind, d.who, d.at, d.note, " ".join(d.reasons),
            item.opinions, item.agreeing, len({row["frame"] for row in rows}), len(rows),
        )  # fmt: skip
        writer.writerow(values)
    return text.getvalue().encode()


def _notes(plan: Plan, parts: dict[int, list[dict[str, Any]]], result: Exported) -> Iterator[str]:
    yield from plan.notes
    empty = [item.sequence.name for item in plan.items if not parts[item.sequence.id]]
    if empty:
        yield f"no pair from {few(empty)}: the camera stands elsewhere than in the clean image, or no crop was allowed"
    fewer = []
    for item in plan.items:
        if item.frames is not None or plan.settings.frames.kind != "differ":
            asked = item.frames or plan.settings.frames.choose(range(item.sequence.first, item.sequence.last))
            used = {row["frame"] for row in parts[item.sequence.id]}
            if used and len(used) < len(asked):
                fewer.append(f"{item.sequence.name} {len(used)} of {len(asked)}")
    if fewer:
        yield f"frames used (in others the camera stands elsewhere, or no crop was allowed): {few(fewer)}"
    for split, share in plan.settings.split_shares().items():
        if share and not result.scenes[split]:
            yield f"no scene is left for {split}: {counted(len(plan.splits), 'scene')} in all"


def _report(plan: Plan, result: Exported, files: dict[str, bytes]) -> bytes:
    report = {
        "rainclean": __version__,
        "versions": versions(),
        "project": plan.project,
        "settings": plan.settings.to_json(),
        "splits": {
            split: sorted(scene for scene, its in plan.splits.items() if its == split) for split in result.pairs
        },
        "pairs": result.pairs,
        "agreement": [asdict(each) for each in plan.agreement],
        "notes": result.notes,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    return write_report(report)
