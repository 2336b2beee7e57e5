"""Frames of a sequence as its analysis used them: steadied where it steadied them."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.project.analysis.findings import read_steadying
from pipeline.project.clips import clip, content_of, located, open_sequence
from pipeline.project.model import Analysis
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.unchanged import unchanged
from rainclean.stabilization import SteadySource
from rainclean.video import FrameSource


def open_frames(project: Project, sequence: ClipSequence, analysis: Analysis) -> FrameSource:
    """Open the frames of a sequence as its analysis used them: steadied where it steadied them.

    Of those only the frames that can be steadied can be read (`findings.frames_at_hand`), cut to regions within the
    analysis' own. Raises InputError as `open_sequence`, and where the steadying is missing or damaged.
    """
    return steadied(project, open_sequence(project, sequence), analysis.steadying)


@contextmanager
def whole_sequence(project: Project, sequence: ClipSequence, steadying: str = "") -> Iterator[FrameSource]:
    """Open the frames of a sequence for work that reads them more than once; steadied by a kept steadying, if any.

    What the block reads is one clip, the one that was added: at its end the clip is looked at again. Raises InputError
    as `open_sequence` and `steadied`, and where the clip was changed or replaced meanwhile.
    """
    wanted = clip(project, sequence.clip_id)
    path, before = located(project, wanted)
    of_content = unchanged(path, before, lambda: content_of(path) == wanted.content)
    with of_content, steadied(project, open_sequence(project, sequence), steadying) as source:
        yield source


def steadied(project: Project, source: FrameSource, steadying: str) -> FrameSource:
    """A clip's frames by a kept steadying (its artefact's name); without one, as they are.

    Raises InputError where it is missing or damaged, and then closes the source.
    """
    if not steadying:
        return source
    try:
        return SteadySource(source, read_steadying(project, steadying))
    except BaseException:
        source.close()
        raise
