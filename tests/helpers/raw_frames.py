"""Frames of libav made of given planes."""

import av
import numpy as np
from numpy.typing import NDArray

SIDE, BLOCKS = 16, 24
"""Blocks of one colour each, so large that how chroma is spread between pixels plays no part in their middles."""


def frame_of(pixel_format: str, planes: list[NDArray[np.int64]], colorspace: int) -> av.VideoFrame:
    frame = av.VideoFrame(planes[0].shape[1], planes[0].shape[0], pixel_format)
    kind = np.uint8 if frame.planes[0].line_size < 2 * frame.width else np.uint16
    for plane, values in zip(frame.planes, planes, strict=True):
        line = np.zeros((plane.height, plane.line_size // np.dtype(kind).itemsize), kind)
        line[:, : values.shape[1]] = values
        plane.update(line.tobytes())
    frame.colorspace, frame.color_range = colorspace, 1
    return frame
