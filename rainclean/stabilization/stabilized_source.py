"""Read frames as the reference frame's camera would have taken them: registered and relit in one go, rounded once.

What `registration` and `exposure` found of a clip is kept here frame by frame. So everything that reads frames of the
clip later (the live stack, the pairs) reads the ones that the clean image was made of.
"""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import KW_ONLY, dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rainclean.stabilization import _exposure_kernels
from rainclean.stabilization.motion_models import STILL
from rainclean.stabilization.resampling import only_shifts, resample
from rainclean.video import Frame, FrameSource, Region, SourceInfo

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


_STRIP_ROWS = 128
_MIN_GAIN = 1e-3
"""Gain below which a frame shows nothing."""


@dataclass(frozen=True)
class Pose:
    """Geometry and exposure of one frame, relative to the reference frame.

    Attributes:
        matrix: (3, 3) float64, px of the reference frame to px of this one, both cut as the clip was.
        gain: (3,) float64, this frame ≈ gain · reference + offset.
        offset: (3,) float64, grey levels.
        mesh: (gh, gw, 2) float32, see `registration.Placement`, or None.
        residual: px of motion left.
    """

    matrix: F64
    gain: F64
    offset: F64
    _: KW_ONLY
    mesh: F32 | None = field(default=None, repr=False)
    residual: float = 0.0

    @property
    def placed(self) -> bool:
        """Whether the frame is aligned with the reference frame without any warping."""
        return self.mesh is None and np.array_equal(self.matrix, np.eye(3))

    def is_sound(self, corners: F64, side: float) -> bool:
        """Return whether a camera can have taken a frame so.

        Args:
            corners: (3, 4) float64, homogeneous px of the corners of the frame.
            side: the longer side of the frame, px.
        """
        flat = [self.matrix.ravel(), self.gain.ravel(), self.offset.ravel(), np.array([self.residual])]
        shapes = (self.matrix.shape, self.gain.shape, self.offset.shape)
        if shapes != ((3, 3), (3,), (3,)) or not all(np.isfinite(values).all() for values in flat):
            return False
        if self.mesh is not None and (
            self.mesh.ndim != 3
            or self.mesh.shape[2] != 2
            or min(self.mesh.shape) < 1
            or not np.isfinite(self.mesh).all()
            or np.abs(self.mesh).max() > side
        ):
            return False
        placed = self.matrix @ corners
        if (placed[2] <= 1e-6).any() or not 1e-3 < abs(np.linalg.det(self.matrix)) < 1e3:
            return False
        is_near = np.abs(placed[:2] / placed[2]).max() <= 4 * side
        has_gain = (self.gain >= _MIN_GAIN).all() and (self.gain <= 1 / _MIN_GAIN).all()
        is_lit = has_gain and (np.abs(self.offset) <= 255).all()
        return bool(is_near and is_lit and self.residual >= 0)

    @property
    def lit(self) -> bool:
        """Whether the frame is exposed as the reference frame is."""
        return bool((self.gain == 1).all() and (self.offset == 0).all())


@dataclass(frozen=True)
class Stabilization:
    """Poses of the frames of a clip that can be stabilized.

    Attributes:
        model: see `registration.Registration`.
        cut: region of the upright frame that was read; poses are relative to it.
        region: what is left of the upright frame, in the reference frame's geometry.
        poses: by frame index in the clip.
        dropped: why frames are left out, by frame index.
    """

    model: str
    cut: Region
    region: Region
    poses: dict[int, Pose]
    _: KW_ONLY
    dropped: dict[int, str] = field(default_factory=dict)

    @property
    def moves(self) -> bool:
        """Whether the camera moved."""
        return self.model != STILL

    @property
    def relit(self) -> bool:
        """Whether the exposure changed."""
        return any(not pose.lit for pose in self.poses.values())

    def apply(self, index: int, rgb: U8) -> U8:
        """Stabilize a frame of the clip; bit-identical where nothing is to be done.

        Args:
            index: of the frame in the clip.
            rgb: (H, W, 3) uint8, the frame, cut to ``cut``.

        Returns:
            (h, w, 3) uint8, of ``region``.

        Raises:
            KeyError: the frame cannot be stabilized.
        """
        pose = self.poses[index]
        x, y = self.region.x - self.cut.x, self.region.y - self.cut.y
        width, height = self.region.width, self.region.height
        if pose.placed:
            cut = rgb[y : y + height, x : x + width]
            return np.ascontiguousarray(cut) if pose.lit else relit(cut, pose)
        out = np.empty((height, width, 3), np.uint8)
        picture: U8 | F32 = rgb if pose.mesh is None and only_shifts(pose.matrix) else rgb.astype(np.float32)
        # In strips: what is resampled, relit and rounded is in floating point, which takes four times as much memory.
        for top in range(0, height, _STRIP_ROWS):
            rows = min(_STRIP_ROWS, height - top)
            levels = np.ascontiguousarray(resample(picture, pose.matrix, pose.mesh, (x, y + top, width, rows)))
            if not pose.lit:
                flat = levels.reshape(-1, 3)
                _exposure_kernels.undo_exposure(flat, _exposure_of(pose), flat)
            # Rounded once: adding a half and cutting off is what rint does to all but exact halves, in half the time.
            levels += np.float32(0.5)
            out[top : top + rows] = np.clip(levels, 0, 255, out=levels)
        return out

    def to_json(self) -> dict[str, Any]:
        """Return all of it as values for JSON."""
        return {
            "model": self.model,
            "cut": list(self.cut),
            "region": list(self.region),
            "poses": {
                str(index): {
                    "matrix": [round(float(v), 9) for v in pose.matrix.ravel()],
                    "gain": pose.gain.tolist(),
                    "offset": pose.offset.tolist(),
                    "residual": round(pose.residual, 4),
                    "mesh": None if pose.mesh is None else [list(pose.mesh.shape), _rounded(pose.mesh)],
                }
                for index, pose in self.poses.items()
            },
            "dropped": {str(index): reason for index, reason in self.dropped.items()},
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Read what `to_json` returned.

        Args:
            document: as parsed.

        Raises:
            KeyError, TypeError, ValueError: it is no such document.
        """
        poses = {}
        for index, stored in document["poses"].items():
            mesh = stored["mesh"]
            poses[int(index)] = Pose(
                np.array(stored["matrix"], np.float64).reshape(3, 3),
                np.array(stored["gain"], np.float64),
                np.array(stored["offset"], np.float64),
                mesh=None if mesh is None else np.array(mesh[1], np.float32).reshape(mesh[0]),
                residual=float(stored["residual"]),
            )
        dropped = {int(index): str(reason) for index, reason in document["dropped"].items()}
        regions = Region(*document["cut"]), Region(*document["region"])
        return cls(str(document["model"]), *regions, poses, dropped=dropped)

    def misfit(self, size: tuple[int, int] | None = None, frames: range | None = None) -> str:
        """Say why these poses cannot be right for a clip, or "" where they can.

        Args:
            size: (width, height) px of the upright frame; None where that is not known.
            frames: indices of the frames that the clip has; None where that is not known.
        """
        (x, y, width, height), cut = self.region, self.cut
        if min(width, height) < 1 or min(cut.x, cut.y) < 0 or not self.poses:
            return "it has no frames, or an empty region"
        right, bottom = cut.x + cut.width, cut.y + cut.height
        if min(x - cut.x, y - cut.y, right - x - width, bottom - y - height) < 0:
            return "its region lies outside the part of the frame that was read"
        if size is not None and (right > size[0] or bottom > size[1]):
            return "it belongs to a larger frame"
        if frames is not None and any(index not in frames for index in self.poses):
            return "it names frames that the sequence does not have"
        corners = np.array([[a, b, 1.0] for a in (0, cut.width) for b in (0, cut.height)]).T
        for index, pose in self.poses.items():
            if not pose.is_sound(corners, max(cut.width, cut.height)):
                return f"no camera can have taken frame {index} in that pose"
        return ""

    def to_bytes(self) -> bytes:
        """Return `to_json` as text."""
        return json.dumps(self.to_json(), separators=(",", ":")).encode()


class SourceAround:
    """A source that passes on the frames of another one: everything but `read`."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source

    @property
    def info(self) -> SourceInfo:
        """Facts about the clip before anything is done to it."""
        return self._source.info

    @property
    def times(self) -> F64:
        """See `FrameSource.times`."""
        return self._source.times

    def close(self) -> None:
        """Release the file."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class StabilizedSource(SourceAround):
    """A clip whose frames are stabilized while they are read: a `FrameSource` of those frames that can be.

    See `Stabilization`.
    """

    def __init__(self, source: FrameSource, stabilization: Stabilization, workers: int = 2) -> None:
        """Wrap a clip.

        Args:
            source: the clip.
            stabilization: poses of its frames.
            workers: frames that are stabilized at a time, ahead of the reader.
        """
        super().__init__(source)
        self.stabilization, self._workers = stabilization, workers

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        """Read stabilized frames.

        Args:
            indices: of the frames wanted; None: all that can be stabilized.
            region: within that of the poses; None: all of it.

        Yields:
            The frames, in the order of the indices.

        Raises:
            IndexError: a frame cannot be stabilized.
            ValueError: the region is not within that of the poses.
        """
        whole = self.stabilization.region
        x, y, width, height = region or whole
        left, top = x - whole.x, y - whole.y
        if left < 0 or top < 0 or left + width > whole.width or top + height > whole.height:
            raise ValueError(f"region {x},{y},{width},{height} of {whole}")
        wanted = sorted(self.stabilization.poses) if indices is None else list(indices)
        for index in wanted:
            if index not in self.stabilization.poses:
                reason = self.stabilization.dropped.get(index, "it lies outside the frames that were used")
                raise IndexError(f"frame {index} cannot be stabilized: {reason}")

        def steady(frame: Frame) -> Frame:
            rgb = self.stabilization.apply(frame.index, frame.rgb)
            return frame._replace(rgb=np.ascontiguousarray(rgb[top : top + height, left : left + width]))

        waiting: deque[Future[Frame]] = deque()
        with ThreadPoolExecutor(self._workers, thread_name_prefix="rainclean-steady") as pool:
            for frame in self._source.read(wanted, self.stabilization.cut):
                waiting.append(pool.submit(steady, frame))
                if len(waiting) > self._workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


def relit(rgb: U8, pose: Pose) -> U8:
    """Undo the exposure of a frame that needs no warping.

    Args:
        rgb: (H, W, 3) uint8.
        pose: of the frame; its matrix and mesh are ignored.

    Returns:
        (H, W, 3) uint8, as exposed like the reference frame.
    """
    import cv2

    levels = np.repeat(np.arange(256, dtype=np.float32)[:, None], 3, axis=1)
    table = np.empty_like(levels)
    _exposure_kernels.undo_exposure(levels, _exposure_of(pose), table)
    return np.asarray(cv2.LUT(rgb, np.rint(table).astype(np.uint8)[:, None]), np.uint8)


def _exposure_of(pose: Pose) -> F64:
    return np.stack((pose.gain, pose.offset))


def _rounded(mesh: F32) -> list[float]:
    return [round(float(v), 3) for v in mesh.ravel()]
