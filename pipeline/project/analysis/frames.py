"""Frames of a sequence as its analysis used them: stabilized where it stabilized them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.project.analysis.findings import read_stabilization
from pipeline.project.clips import clip, content_of, located, open_found, open_sequence, with_frames_of
from pipeline.project.model import Analysis, Clip
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.unchanged import unchanged
from rainclean.stabilization import StabilizedSource
from rainclean.video import FrameSource


def open_frames(project: Project, sequence: ClipSequence, analysis: Analysis) -> FrameSource:
    """Open the frames of a sequence as its analysis used them: stabilized where it stabilized them.

    Only frames that can be stabilized can be read then (`findings.frames_at_hand`), cut to regions within
    the analysis' own.

    Raises:
        InputError: As `open_sequence`, and where the stabilization is missing or damaged.
    """
    return stabilized(project, open_sequence(project, sequence), analysis.stabilization)


@contextmanager
def whole_sequence(project: Project, sequence: ClipSequence, stabilization: str = "") -> Iterator[FrameSource]:
    """Open the frames of a sequence for work that reads them more than once.

    At the end of the block the clip is checked again, so all frames come from the clip that was added.

    Args:
        project: The project.
        sequence: The sequence.
        stabilization: Artefact of the stabilization, or "".

    Raises:
        InputError: As `open_sequence` and `stabilized`, and where the clip was changed or replaced meanwhile.
    """
    wanted = clip(project, sequence.clip_id)
    path, look = located(project.folder, wanted)
    of_content = unchanged(path, look, lambda: content_of(path) == wanted.content)
    with of_content, stabilized(project, open_sequence(project, sequence), stabilization) as source:
        yield source


@contextmanager
def whole_sequence_of(folder: Path, wanted: Clip, sequence: ClipSequence) -> Iterator[FrameSource]:
    """Open the frames of a sequence as `whole_sequence`, without its project's store.

    Args:
        folder: The project's folder; relative places of clips begin there.
        wanted: The clip.
        sequence: The sequence.

    Raises:
        InputError: The clip cannot be found or opened, or was changed or replaced meanwhile.
    """
    path, look = located(folder, wanted)
    of_content = unchanged(path, look, lambda: content_of(path) == wanted.content)
    with of_content, with_frames_of(sequence, open_found(path, wanted)) as source:
        yield source


def stabilized(project: Project, source: FrameSource, stabilization: str) -> FrameSource:
    """Return a clip's frames, stabilized by a stored stabilization.

    Args:
        project: The project.
        source: The frames. They are closed where this raises.
        stabilization: Artefact of the stabilization; "" for the frames themselves.

    Raises:
        InputError: The stabilization is missing or damaged.
    """
    if not stabilization:
        return source
    try:
        return StabilizedSource(source, read_stabilization(project, stabilization))
    except BaseException:
        source.close()
        raise
