"""Remove rain from a picture, a folder of pictures or a video: each picture as a whole, one at a time."""

from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.border import border
from pipeline.derain.image_writer import LONGEST_SIDE, Levels, encode_picture, holds_sixteen_bits, written_beside
from pipeline.derain.video_writer import BT709, Look, Sound, VideoWriter, check_sound, look_of
from pipeline.derain.work import DEFAULT_CRF, Kind, Plan
from pipeline.stages import Progress
from pipeline.text_format import counted
from pipeline.unchanged import look, unchanged
from rainclean.errors import InputError, ResourceError
from rainclean.video import (
    DamagedInput,
    FrameSource,
    Header,
    container_of,
    open_source,
    open_video,
    read_header,
    read_levels,
)

if TYPE_CHECKING:
    from rainclean.spanet import SPANet


class OwnNetwork(Protocol):
    """A network of the user, ready to use."""

    def derain(self, rgb: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.float32]:
        """Return a picture without rain: (H, W, 3) float32 of about 0…1, from (H, W, 3) integers."""


@dataclass
class Derained:
    """The result. done: pictures or frames written; failed: a line for each picture that could not be read."""

    done: int = 0
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def derain(net: "SPANet | OwnNetwork", plan: Plan) -> Generator[Progress, None, Derained]:
    """Derain what was planned. Closing the stage leaves no incomplete file.

    Args:
        net: SPANet, or a network of the user.
        plan: From `plan`.

    Yields:
        Progress of the stage "derain".

    Returns:
        What was written. A picture of a folder that cannot be read is listed there, and the others are derained.

    Raises:
        RaincleanError: A single picture or a video cannot be read, or a file cannot be written.
    """
    return _video(net, plan) if plan.kind is Kind.VIDEO else _pictures(net, plan)


def _pictures(net: "SPANet | OwnNetwork", plan: Plan) -> Generator[Progress, None, Derained]:
    result, total, notes = Derained(), len(plan.pairs), Counter[str]()
    yield Progress("derain", 0, total)
    for number, (source, target) in enumerate(plan.pairs, 1):
        with border(source, result.failed.append):
            notes.update(_picture_alone(net, source, target))
            result.done += 1
        yield Progress("derain", number, total)
    result.notes += [note if total == 1 else f"{counted(n, 'image')}: {note}" for note, n in notes.items()]
    if plan.others:
        result.notes.append(f"{counted(plan.others, 'other entry').replace('entrys', 'entries')} of the folder ignored")
    yield from _show_notes(result, total)
    return result


def _picture_alone(net: "SPANet | OwnNetwork", source: Path, target: Path) -> list[str]:
    """Derain one picture; errors name it."""
    try:
        return _picture(net, source, target)
    except DamagedInput as error:
        raise InputError(error.path, error.reason) from error  # its advice is about clips
    except ResourceError as error:
        raise ResourceError(f"{source}: {error}") from error


def _picture(net: "SPANet | OwnNetwork", source: Path, target: Path) -> list[str]:
    """Derain one picture; return notes for a person."""
    from rainclean.spanet import to_levels

    before = look(source)
    header = read_header(source)
    suffix, deep = target.suffix.lower(), holds_sixteen_bits(target.suffix)
    _check_side(source, header, suffix)
    profile, rainy = header.profile or None, read_levels(source, header)
    # Opened before the work, which takes a minute where pictures are large.
    with written_beside(target) as partial, unchanged(source, before):
        clean = _floats(net, rainy)
        sixteen = header.sixteen_bit and deep
        levels: Levels = to_levels(clean, np.uint16) if sixteen else to_levels(clean, np.uint8)
        data, kept = encode_picture(levels, suffix, profile)
        partial.write_bytes(data)
    notes = {
        f"{suffix[1:].upper()} cannot store 16 bits per channel: written with 8": header.sixteen_bit and not deep,
        "transparency is dropped": header.alpha,
        "only the first of the images in the file is read": header.pictures > 1,
        "the colour profile could not be kept": profile is not None and not kept,
    }
    return [note for note, holds in notes.items() if holds]


def _check_side(source: Path, header: Header, suffix: str) -> None:
    longest, most = max(header.width, header.height), LONGEST_SIDE.get(suffix)
    if most is not None and longest > most:
        raise InputError(source, f"a side of {longest} px is too long for {suffix[1:].upper()}", "write .png")


def _video(net: "SPANet | OwnNetwork", plan: Plan) -> Generator[Progress, None, Derained]:
    result, settings = Derained(), plan.settings
    crf = None if settings.lossless else DEFAULT_CRF if settings.crf is None else settings.crf
    before = look(plan.input)
    with ExitStack() as open_files:
        source = open_files.enter_context(open_source(plan.input, salvage=settings.salvage))
        frames = source.read()  # refuses colours that cannot be read, before anything is written
        info, total = source.info, source.info.frame_count
        if crf is not None and (info.width % 2 or info.height % 2):
            reason = f"{info.width}×{info.height} px: H.264 (4:2:0) needs even sides"
            raise InputError(plan.input, reason, "use --lossless with .mkv")
        suffix = plan.output.suffix.lower()
        check_sound(plan.input, suffix)
        # Opened a second time: a source reads pictures, the sound beside them is read here.
        stream = open_files.enter_context(open_video(plan.input, container_of(plan.input), threads="NONE"))
        sight = look_of(stream, (info.width, info.height), turned=info.rotation in (90, 270))
        if info.transfer != "SDR":  # its frames are not in the file's colours
            sight = replace(sight, primaries=BT709, transfer=BT709)
        dropped = [s for s in stream.container.streams if s.type not in ("video", "audio")]
        result.notes += [*info.notes, *_notes(source, sight, suffix)]
        if dropped:
            result.notes.append(f"not copied from the file: {', '.join(sorted({s.type for s in dropped}))}")
        yield from _show_notes(result, total)
        yield Progress("derain", 0, total)
        partial = open_files.enter_context(written_beside(plan.output))
        open_files.enter_context(unchanged(plan.input, before))
        file = open_files.enter_context(partial.open("w+b"))
        sound = Sound(plan.input, stream, suffix)
        writer = open_files.enter_context(VideoWriter(file, suffix, sight, crf=crf, sound=sound))
        for frame in frames:
            writer.write(_clean(net, frame.rgb), frame.time)
            result.done += 1
            yield Progress("derain", result.done, total)
    return result


def _clean(net: "SPANet | OwnNetwork", rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from rainclean.spanet import to_levels

    return to_levels(_floats(net, rgb), np.uint8)


def _floats(net: "SPANet | OwnNetwork", rgb: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return the output of a network, (H, W, 3) float32 of about 0…1."""
    from rainclean.spanet import derain

    own = getattr(net, "derain", None)
    return derain(net, rgb)[0] if own is None else own(rgb)  # type: ignore[arg-type]


def _notes(source: FrameSource, look: Look, suffix: str) -> list[str]:
    """Return notes on what this container cannot store."""
    milliseconds = source.times * 1000
    if suffix == ".mkv" and np.abs(milliseconds - np.rint(milliseconds)).max() > 1e-4:
        return ["MKV stores whole milliseconds, so frame times are rounded; .mp4 and .mov keep them"]
    return []


def _show_notes(result: Derained, total: int) -> Generator[Progress, None, None]:
    """Yield the notes, each as a step."""
    for note in result.notes:
        yield Progress("derain", result.done, total, note=note)
