"""preview/ of an export: a before/after animation (WebP, GIF, MP4) and a contact sheet of each scene, for people."""

import hashlib
import re
from collections.abc import Generator, Iterator, Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.export.foreign_files import PREVIEW
from pipeline.export.pair_record import PairRecord
from pipeline.export.plan import Item, Plan
from pipeline.export.preview_pictures import MOST_PAIRS, CaptionedPair, Titles, animation, contact_sheet
from pipeline.export.sequence_tables import Records, part_name, used_items
from pipeline.export.workplace import Workplace
from pipeline.stages import Progress
from pipeline.text_format import counted, plain
from rainclean.number_text import percent
from rainclean.png import decode_png
from rainclean.simulate import ClipWriter

U8 = NDArray[np.uint8]

_PACE = 100
"""Milliseconds between two frames."""

_CRF = 21
"""Rate factor of H.264: no difference is seen at this size."""

_MOST_FRAMES = 8
"""Rainy frames in an animation."""

_GIF_WIDTH = 640
"""Largest width of a GIF, px: with 256 colours and no motion compensation, larger ones take tens of megabytes."""


class _Pair(NamedTuple):
    """A prepared pair with its sequence."""

    item: Item
    record: PairRecord


def write_previews(plan: Plan, records: Records, workplace: Workplace) -> Generator[Progress, None, dict[str, str]]:
    """Write the previews of all scenes. Call it before the prepared pictures are named.

    Yields:
        Progress of the stage "preview", in scenes.

    Returns:
        SHA-256 of the written files, by name.

    Raises:
        ResourceError: A prepared picture is gone.
        OSError: A file cannot be written.
    """
    scenes: dict[int, list[_Pair]] = {}
    for item in used_items(plan, records):
        scenes.setdefault(item.scene_number, []).extend(_Pair(item, each) for each in records[item.sequence.id])
    sums: dict[str, str] = {}
    (workplace.data / PREVIEW).mkdir(exist_ok=True)
    for done, number in enumerate(sorted(scenes), 1):
        pairs = scenes[number]
        stem = preview_stem(pairs[0].item)
        for ending, content in _contents(pairs, workplace):
            name = f"{PREVIEW}/{stem}.{ending}"
            path = workplace.data / name
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                _write_mp4(path, content)
            sums[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        yield Progress("preview", done, len(scenes))
    return sums


def preview_stem(item: Item) -> str:
    """Return the name, without its ending, of the previews of a sequence's scene."""
    name = re.sub("[^A-Za-z0-9_-]+", "-", item.sequence.scene).strip("-")[:60]
    return f"{item.scene_number:03d}-{name}".rstrip("-")


def _write_mp4(path: Path, frames: Sequence[U8]) -> None:
    """Write H.264, 4:2:0, which every player shows; two loops, so that it does not end at once."""
    height, width = frames[0].shape[:2]
    with ClipWriter(path, (height, width), Fraction(1000, _PACE), crf=_CRF) as writer:
        for _ in range(2):
            for frame in frames:
                writer.write(frame)


def _contents(pairs: Sequence[_Pair], workplace: Workplace) -> Iterator[tuple[str, bytes | list[U8]]]:
    """Yield the previews of a scene with the endings of their names; frames for a video."""
    loop = _same_place(pairs)
    item = loop[0].item
    rainy = [_read(workplace, pair, "rainy") for pair in loop]
    clean = _read(workplace, loop[0], "clean")
    titles = Titles(head=f"Scene {plain(item.sequence.scene)}, recipe {item.candidate.name}", credit=_credit(pairs))
    wide, narrow = animation(rainy, clean, titles), animation(rainy, clean, titles, _GIF_WIDTH)
    names = {pair.item.sequence.name for pair in pairs}
    head = f"Scene {plain(item.sequence.scene)}: {counted(len(pairs), 'pair')} of {counted(len(names), 'sequence')}"
    sheet = contact_sheet(
        [
            CaptionedPair(_read(workplace, pair, "rainy"), _read(workplace, pair, "clean"), _caption(pair))
            for pair in _spread(pairs)
        ],
        Titles(head=head, credit=titles.credit),
    )
    yield "webp", _encoded(wide, ".webp", quality=75, loop=0, duration=_PACE)
    yield "gif", _gif(narrow)
    yield "mp4", wide
    yield "jpg", _encoded(sheet, ".jpg", quality=90)


def _encoded(pictures: U8 | list[U8], ending: str, **options: Any) -> bytes:
    return bytes(imageio.imwrite("<bytes>", pictures, extension=ending, plugin="pillow", **options))


def _gif(frames: Sequence[U8]) -> bytes:
    """Return a GIF whose frames share the 256 colours of a rainy and a clean one.

    imageio would choose colours frame by frame, which takes three times as long and flickers.
    """
    ends = Image.fromarray(np.hstack([frames[0], frames[len(frames) // 2]]))
    colours = ends.quantize(256, Image.Quantize.MAXCOVERAGE)
    first, *others = (Image.fromarray(frame).quantize(palette=colours, dither=Image.Dither.NONE) for frame in frames)
    target = BytesIO()
    first.save(target, "GIF", save_all=True, append_images=others, loop=0, duration=_PACE)
    return target.getvalue()


def _same_place(pairs: Sequence[_Pair]) -> list[_Pair]:
    """Return pairs of one sequence at one place, in the order of their frames: where most frames are, and most rain."""
    groups: dict[tuple[int, int, int, int, int], list[_Pair]] = {}
    for pair in pairs:
        record = pair.record
        key = (pair.item.sequence.id, record.x, record.y, record.width, record.height)
        groups.setdefault(key, []).append(pair)
    best = max(groups.values(), key=lambda each: (min(len(each), _MOST_FRAMES), _rain(each)))
    heaviest = sorted(best, key=lambda pair: -pair.record.rain_amount)[:_MOST_FRAMES]
    return sorted(heaviest, key=lambda pair: pair.record.frame)


def _rain(pairs: Sequence[_Pair]) -> float:
    return sum(pair.record.rain_amount for pair in pairs) / len(pairs)


def _spread(pairs: Sequence[_Pair]) -> list[_Pair]:
    """Return some pairs from the heaviest rain to the lightest."""
    ordered = sorted(pairs, key=lambda pair: -pair.record.rain_amount)
    if len(ordered) <= MOST_PAIRS:
        return ordered
    return [ordered[round(step * (len(ordered) - 1) / (MOST_PAIRS - 1))] for step in range(MOST_PAIRS)]


def _caption(pair: _Pair) -> str:
    rain = percent(pair.record.rain_share, 1)
    recipe = pair.item.candidate.name
    return f"{pair.item.sequence.name}, frame {pair.record.frame}, rain on {rain} of the pixels, recipe {recipe}"


def _credit(pairs: Sequence[_Pair]) -> str:
    """Return authors and licences of a scene."""
    sequences = [pair.item.sequence for pair in pairs]
    parts = (sorted({s.author for s in sequences} - {""}), sorted({s.licence for s in sequences} - {""}))
    return ", ".join(plain(text) for part in parts for text in part)


def _read(workplace: Workplace, pair: _Pair, kind: str) -> U8:
    name = pair.record.picture(kind)
    return decode_png(workplace.prepared(part_name(pair.item), name), name)
