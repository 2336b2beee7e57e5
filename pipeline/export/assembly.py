"""The second half of an export: name the prepared pictures, write the manifest, lists and report beside them."""

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from pipeline.export.card import CARD, card, title
from pipeline.export.croissant import CROISSANT, croissant
from pipeline.export.licences import LICENCE, licence_file
from pipeline.export.pair_record import PairRecord
from pipeline.export.plan import Item, Plan, empty_splits, versions
from pipeline.export.preview import write_previews
from pipeline.export.report import REPORT, write_report
from pipeline.export.sequence_tables import (
    CREDITS,
    SEQUENCES,
    Records,
    credit_rows,
    credits_csv,
    excluded,
    part_name,
    sequences_csv,
    used_items,
    verdict_cells,
)
from pipeline.export.workplace import Workplace
from pipeline.stages import Progress
from pipeline.text_format import few
from rainclean import __version__, confidence
from rainclean.dataset import (
    NAME,
    PARQUET_NAME,
    ManifestRow,
    PairKey,
    PairPaths,
    Widths,
    is_packed,
    metadata_files,
    write_manifest,
    write_parquet,
)


@dataclass
class Exported:
    """The content of an export. pairs, scenes: number by split. notes: for a person to read."""

    folder: Path
    pairs: dict[str, int] = field(default_factory=dict)
    scenes: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class _KeyedPair(NamedTuple):
    """A pair with what names it."""

    key: PairKey
    item: Item
    record: PairRecord


def assemble(plan: Plan, records: Records, workplace: Workplace) -> Generator[Progress, None, Exported]:
    """Name the pictures and write what goes with them.

    Args:
        plan: What is exported.
        records: The prepared pairs of all its sequences.
        workplace: Where they are prepared, and the data set is put together.

    Yields:
        Progress of the stages "preview" and "name".

    Returns:
        The content of the export.

    Raises:
        ResourceError: A prepared picture is gone.
        OSError: A file cannot be written.
    """
    result = Exported(workplace.target)
    workplace.begin()
    previews = (yield from write_previews(plan, records, workplace)) if plan.settings.preview else {}
    chosen = plan.settings.arrangement
    pairs = list(_keyed(plan, records))
    pixels = max(pair.record.width * pair.record.height for pair in pairs)
    widths = Widths.for_pairs([pair.key for pair in pairs], pixels)
    packer = chosen.packer(workplace.data, widths, pixels)
    rows = []
    with packer or nullcontext():
        for done, pair in enumerate(pairs, 1):
            row = _manifest_row(pair.item, pair.record, chosen.paths(pair.key, widths))
            part, kinds = part_name(pair.item), ("rainy", "clean", *pair.record.masks)
            if packer is None:
                for kind in kinds:
                    workplace.place(part, pair.record.picture(kind), getattr(row, kind))
            else:
                packer.add(row, {kind: workplace.prepared(part, pair.record.picture(kind)) for kind in kinds})
            rows.append(row)
            if done % 100 == 0 or done == len(pairs):
                yield Progress("name", done, len(pairs))
    packed = {} if packer is None else packer.close()
    result.pairs = {split: sum(row.split == split for row in rows) for split in chosen.splits}
    result.scenes = {split: len({row.scene for row in rows if row.split == split}) for split in chosen.splits}
    result.notes = list(_notes(plan, records, result))
    files = _files(plan, records, rows, notes=result.notes, previews=previews)
    files[REPORT] = _report(plan, result, files, {**packed, **previews})
    for name, data in files.items():
        path = workplace.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return result


def _files(
    plan: Plan, records: Records, rows: Sequence[ManifestRow], *, notes: Sequence[str], previews: Iterable[str]
) -> dict[str, bytes]:
    """Return the files beside the pairs but export.json: name → content."""
    chosen = plan.settings.arrangement
    credit = credit_rows(plan, records)
    files = {**chosen.lists(rows), NAME: write_manifest(rows), PARQUET_NAME: write_parquet(rows)}
    files |= {SEQUENCES: sequences_csv(plan, records), CREDITS: credits_csv(credit)}
    if not is_packed(chosen):
        files |= metadata_files(rows)
    files[CROISSANT] = croissant(title(rows), files, credit)
    files[CARD] = card(plan, records, rows, credit, notes=notes, previews=previews)
    origins = [item.sequence for item in used_items(plan, records)]
    licence = licence_file([each.licence for each in origins], [each.author for each in origins])
    if licence is not None:
        files[LICENCE] = licence
    return files


def _keyed(plan: Plan, records: Records) -> Iterator[_KeyedPair]:
    """Give every pair in the order of the manifest: split by split, scene by scene, as filmed."""
    serial = dict.fromkeys(plan.splits.values(), 0)
    order = plan.settings.arrangement.splits
    for item in sorted(plan.items, key=lambda i: (order.index(i.split), i.scene_number, i.first_number)):
        for record in records[item.sequence.id]:
            number = item.first_number + record.frame - item.sequence.first
            key = PairKey(
                split=item.split,
                scene=item.scene_number,
                frame=number,
                x=record.x,
                y=record.y,
                serial=serial[item.split],
                sequence=item.sequence_number,
            )
            yield _KeyedPair(key, item, record)
            serial[item.split] += 1


def _manifest_row(item: Item, record: PairRecord, paths: PairPaths) -> ManifestRow:
    candidate = item.candidate
    return ManifestRow(
        split=item.split,
        sequence=item.sequence.name,
        scene=item.sequence.scene,
        rainy=paths.rainy,
        clean=paths.clean,
        exclude=paths.exclude if "exclude" in record.masks else "",
        confidence=paths.confidence if "confidence" in record.masks else "",
        frame=record.frame,
        pts_seconds=record.pts_seconds,
        x=record.x,
        y=record.y,
        width=record.width,
        height=record.height,
        recipe=candidate.name,
        recipe_hash=candidate.recipe_hash,
        decision=item.decision.uuid,
        decision_kind=item.decision.kind,
        rain_share=record.rain_share,
        rain_amount=record.rain_amount,
        score=candidate.score,
        streaks=candidate.streaks,
        detail=candidate.detail,
        darkening=candidate.darkening,
        disagreement=candidate.disagreement,
        rainy_sha256=record.rainy_sha256,
        clean_sha256=record.clean_sha256,
        rainy_pixels_sha256=record.rainy_pixels_sha256,
        clean_pixels_sha256=record.clean_pixels_sha256,
        exclude_sha256=record.exclude_sha256,
        confidence_sha256=record.confidence_sha256,
        verdict=verdict_cells(item).state,
    )


def _unsure_share(records: Sequence[PairRecord]) -> float:
    """Return the share of a sequence's pixels that are excluded because their expected error is too large."""
    area = sum(record.width * record.height for record in records)
    return sum(record.unsure for record in records) / area if area else 0.0


def _notes(plan: Plan, records: Records, result: Exported) -> Iterator[str]:
    yield from plan.notes
    empty = [item.sequence.name for item in plan.items if not records[item.sequence.id]]
    if empty:
        yield f"no pairs from {few(empty)}: every frame is misaligned with the clean image, or no crop was allowed"
    fewer = []
    for item in plan.items:
        if item.frames is not None or plan.settings.frames.kind != "differ":
            asked = item.frames or item.choose(plan.settings.frames, item.amounts)
            used = {record.frame for record in records[item.sequence.id]}
            if used and len(used) < len(asked):
                fewer.append(f"{item.sequence.name} {len(used)} of {len(asked)}")
    if fewer:
        yield f"frames used (the others are misaligned with the clean image, or no crop was allowed): {few(fewer)}"
    for reason, words in (("doubtful", "areas where the clean image is in doubt"), ("passing", "foreground objects")):
        names = [item.sequence.name for item in plan.items if reason in excluded(records[item.sequence.id])]
        if names:
            yield f"excluded in addition to what people marked, {words}: {few(names)} (--keep-moving leaves them in)"
    shares = [(item.sequence.name, _unsure_share(records[item.sequence.id])) for item in plan.items]
    unsure = [f"{name} {100 * share:.0f} %" for name, share in shares if share]
    if unsure:
        most = f"{plan.settings.max_error:g} grey levels"
        yield f"excluded, expected errors above {most}, share of the pixels: {few(unsure)}"
    yield from empty_splits(plan.settings, result.scenes, len(plan.splits))


def _report(plan: Plan, result: Exported, files: Mapping[str, bytes], written: Mapping[str, str]) -> bytes:
    """Return export.json. written: SHA-256 of further files."""
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()} | dict(written)
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
        "files": dict(sorted(sums.items())),
    }
    return write_report(report)
