"""Frames of a sequence as its analysis used them: stabilized where it stabilized them."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.project.analysis.findings import read_stabilization
from pipeline.project.clips import clip, content_of, located, open_sequence
from pipeline.project.model import Analysis
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.unchanged import unchanged
from rainclean.stabilization import StabilizedSource
from rainclean.video import FrameSource


def open_frames(project: Project, sequence: ClipSequence, analysis: Analysis) -> FrameSource:
    """Open the frames of a sequence as its analysis used them: stabilized where it stabilized them.

    Of those only the frames that can be stabilized can be read (`findings.frames_at_hand`), cut to regions within the
    analysis' own. Raises InputError as `open_sequence`, and where the stabilization is missing or damaged.
    """
    return stabilized(project, open_sequence(project, sequence), analysis.stabilization)


@contextmanager
def whole_sequence(project: Project, sequence: ClipSequence, stabilization: str = "") -> Iterator[FrameSource]:
    """Open the frames of a sequence for work that reads them more than once; stabilized by a kept stabilization, if
    any.

    What the block reads is one clip, the one that was added: at its end the clip is looked at again. Raises InputError
    as `open_sequence` and `stabilized`, and where the clip was changed or replaced meanwhile.
    """
    wanted = clip(project, sequence.clip_id)
    path, look = located(project, wanted)
    of_content = unchanged(path, look, lambda: content_of(path) == wanted.content)
    with of_content, stabilized(project, open_sequence(project, sequence), stabilization) as source:
        yield source


def stabilized(project: Project, source: FrameSource, stabilization: str) -> FrameSource:
    """A clip's frames by a kept stabilization (its artefact's name); without one, as they are.

    Raises InputError where it is missing or damaged, and then closes the source.
    """
    if not stabilization:
        return source
    try:
        return StabilizedSource(source, read_stabilization(project, stabilization))
    except BaseException:
        source.close()
        raise
