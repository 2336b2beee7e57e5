"""Measure what one clip costs: seconds of processor, memory, bytes and files."""

import tempfile
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.bench.scale.commands import measure
from pipeline.bench.truth import backgrounds, make_camera_clip
from pipeline.project.analysis import shrink
from pipeline.project.storage import Project
from pipeline.stages import Progress, finish, mapped

KEPT = 8
"""Images of a clip that a small project keeps."""


@dataclass(frozen=True, kw_only=True)
class ClipCost:
    """What a clip costs.

    Attributes:
        size: (width, height, frames).
        clip_bytes: Bytes of the clip's file.
        cpu_seconds: Of its analysis.
        peak_mib: Largest resident memory of the analysis; None where the system does not report it.
        result_bytes, result_files: What the analysis adds to the project.
        kept_bytes, kept_files: What it adds with ``--keep best:8``.
        store_bytes: Bytes of its rows in the store.
    """

    size: tuple[int, int, int]
    clip_bytes: int
    cpu_seconds: float
    peak_mib: float | None
    result_bytes: int
    result_files: int
    store_bytes: int
    kept_bytes: int = 0
    kept_files: int = 0


def measure_clip(size: tuple[int, int, int], project: Path) -> Generator[Progress, None, ClipCost]:
    """Simulate a clip, analyse it in a new project, and measure the analysis.

    Args:
        size: (width, height, frames).
        project: Folder to make the project in; it stays.

    Raises:
        RaincleanError: A command failed.
    """
    with tempfile.TemporaryDirectory(prefix="rainclean-scale-") as folder:
        (background,) = backgrounds(("table",))
        target = Path(folder) / "clip"
        stage = make_camera_clip(target, background.path, size)
        yield from mapped(stage, lambda step: replace(step, stage="simulate"))
        measure(("new", str(project)), "new")
        measure(("add", str(project), str(target), "--copy"), "add")
        before = _Content.of(project)
        yield Progress("analyze", 0, 1)
        used = measure(("analyze", str(project)), "analyze")
        after = _Content.of(project)
        yield Progress("analyze", 1, 1)
        with Project(project) as opened:
            spare = finish(shrink(opened, (), KEPT, estimate=True))
    return ClipCost(
        size=size,
        clip_bytes=before.clip_bytes,
        cpu_seconds=used.cpu_seconds,
        peak_mib=used.peak_mib,
        result_bytes=after.bytes - before.bytes,
        result_files=after.files - before.files,
        store_bytes=max(0, after.store_bytes - before.store_bytes),
        kept_bytes=after.bytes - before.bytes - spare.bytes,
        kept_files=after.files - before.files - spare.pictures - spare.sheets,
    )


@dataclass(frozen=True)
class _Content:
    """Bytes and files of a project but for its clips and its store, and bytes of these."""

    bytes: int
    files: int
    clip_bytes: int
    store_bytes: int

    @classmethod
    def of(cls, project: Path) -> "_Content":
        sizes = {path.relative_to(project): path.stat().st_size for path in project.rglob("*") if path.is_file()}
        clips = {path for path in sizes if path.parts[0] == "clips"}
        others = {path for path in sizes if path.parts[0] in ("artefacts", "thumbnails")}
        return cls(
            sum(sizes[path] for path in others),
            len(others),
            sum(sizes[path] for path in clips),
            sizes.get(Path("project.sqlite"), 0),
        )
