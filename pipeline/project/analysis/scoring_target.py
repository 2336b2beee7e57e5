"""Pictures that an analysis stores so that candidates made later can be scored alike: target and reference frame."""

from typing import TYPE_CHECKING, TypeVar

from pipeline.project.model import Analysis
from pipeline.project.storage import Project
from rainclean.errors import InputError, RaincleanError
from rainclean.png import png_header

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    F32 = NDArray[np.float32]
    U8 = NDArray[np.uint8]

Read = TypeVar("Read")

SCALE = 64
"""Values of the file to one level: rounding changes no score by a hundredth."""


def encode_scoring_target(scoring_target: "F32") -> bytes:
    """Return a scoring target, (H, W) float32 in levels, as 16-bit grey PNG."""
    import cv2
    import numpy as np

    done, data = cv2.imencode(".png", np.rint(scoring_target * np.float32(SCALE)).astype(np.uint16))
    if not done:
        raise ValueError(f"a scoring_target of {scoring_target.shape} could not be encoded")
    return data.tobytes()


def read_scoring_target(project: Project, analysis: Analysis) -> "F32 | None":
    """Return the scoring target of an analysis, (H, W) float32 in levels; None where an older rainclean analysed.

    Raises:
        InputError: The file is missing or damaged.
    """
    if not analysis.scoring_target:
        return None
    import cv2
    import numpy as np

    data, path = project.artefacts.read(analysis.scoring_target), project.artefacts.path(analysis.scoring_target)
    header = png_header(data, path)
    if (header.depth, header.colour) != (16, "grey"):
        raise InputError(path, f"is {header.depth}-bit {header.colour}, not 16-bit grey")
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise InputError(path, "cannot be decoded")
    return values.astype(np.float32) / np.float32(SCALE)


def read_reference(project: Project, analysis: Analysis) -> "U8 | None":
    """Return the rainy reference frame, cut to the region, (H, W, 3) uint8 RGB.

    None where an older rainclean analysed.

    Raises:
        InputError: The file is missing or damaged.
    """
    if not analysis.reference:
        return None
    return project.artefacts.picture(analysis.reference)


def needed(value: Read | None, sequence: str) -> Read:
    """Return a value that was read.

    Args:
        value: The value; None where an older rainclean analysed.
        sequence: Name of the sequence.

    Raises:
        RaincleanError: The value is None.
    """
    if value is None:
        raise RaincleanError(
            f"{sequence}: was analysed by an older rainclean, which stored too little to score new images; "
            "run rainclean analyze --again on it"
        )
    return value
