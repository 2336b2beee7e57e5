"""What a person can read about sequences, but not change."""

from collections.abc import Sequence as Several

from gui.pages.properties.history import local_time
from gui.pages.properties.range_field import rate_of
from pipeline.project.model import Clip, Sequence
from pipeline.text_format import counted

_MEGA = 1_000_000


def facts(sequences: Several[Sequence], clips: Several[Clip]) -> list[tuple[str, str]]:
    """Return names and values. clips: the clip of each sequence."""
    if len(sequences) > 1:
        frames = sum(sequence.frame_count for sequence in sequences)
        return [
            ("Sequences", ", ".join(sequence.label for sequence in sequences)),
            ("Size", ", ".join(dict.fromkeys(_size(clip) for clip in clips))),
            ("Frames", f"{counted(frames, 'frame')} in all"),
            ("Codec", ", ".join(dict.fromkeys(clip.codec for clip in clips))),
        ]
    (sequence,), (clip,) = sequences, clips
    first, stop = sequence.shot or (sequence.first, sequence.stop)
    rate = rate_of(clip)
    seconds = f", {clip.frame_count / rate:.2f} s" if rate else ""
    shot = "" if (first, stop) == (0, clip.frame_count) else f"; this shot has frames {first} to {stop - 1}"
    return [
        ("Name", sequence.name),
        ("File", str(clip.path)),
        ("Size", f"{_size(clip)}, {clip.bytes / _MEGA:.1f} MB"),
        ("Frames", f"{counted(clip.frame_count, 'frame')}{seconds}{shot}"),
        ("Frame rate", f"{rate:.2f} frames per second" if rate else "unknown"),
        ("Codec", clip.codec),
        ("Colours", clip.colours or "unknown: an older version added this clip"),
        ("Added", local_time(clip.added) + (", copied into the project" if clip.copied else "")),
    ]


def _size(clip: Clip) -> str:
    return f"{clip.width} × {clip.height} px"
