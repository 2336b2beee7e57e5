"""Remove rain from a picture with SPANet: pixels in, pixels out, the whole picture at once.

The four directions of the IRNNs run over all of the picture, so it is never cut into tiles: on the CPU
`forward_in_bands` holds BYTES_PER_PIXEL (3.7 GB for 3840×2160), whatever the size.
"""

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch.backends import cudnn

from rainclean.errors import ResourceError, UsageError
from rainclean.spanet.bands import forward_in_bands

if TYPE_CHECKING:
    from rainclean.spanet.network import SPANet

F32 = NDArray[np.float32]
Pixels = NDArray[np.uint8] | NDArray[np.uint16] | F32
Level = TypeVar("Level", np.uint8, np.uint16)

BYTES_PER_PIXEL = 450
"""What the whole network holds on the CPU: three times 32 channels of float32, the picture, the results."""

_WHITE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0, np.dtype(np.float32): 1.0}


def derain(net: "SPANet", rgb: Pixels) -> tuple[F32, F32]:
    """Remove rain from a picture, on the network's device, in float32, without gradients.

    Args:
        net: the network.
        rgb: (H, W, 3), any size from 1×1; uint8 and uint16 are taken as 0…255 and 0…65535, float32 as 0…1.

    Returns:
        The clean picture (H, W, 3) float32 RGB, about 0…1 and unclipped, and the attention map (H, W) float32 in 0…1.
        The picture is a view whose colours are in planes; `to_levels` makes ordinary pixels of it.

    Raises:
        ValueError: the picture has another shape or dtype.
        ResourceError: there is too little memory for it.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or min(rgb.shape) == 0 or rgb.dtype not in _WHITE:
        raise ValueError(f"(H, W, 3) of uint8, uint16 or float32 is needed, not {rgb.shape} of {rgb.dtype}")
    height, width = rgb.shape[:2]
    device = next(net.parameters()).device
    needed = BYTES_PER_PIXEL * height * width
    if device.type == "cpu" and needed > (free := _free_memory()):
        reason = f"{width}×{height} px: {needed / 1e9:.1f} GB of memory are needed, {free / 1e9:.1f} GB are free"
        raise ResourceError(f"{reason}; close other programs or scale the image down")
    # One float copy of the input; planes as torch wants them, whatever the strides of what came in.
    planes = np.empty((1, 3, height, width), np.float32)
    np.divide(rgb.transpose(2, 0, 1), np.float32(_WHITE[rgb.dtype]), out=planes[0])
    try:
        # TF32, cuDNN's default for convolutions, would keep 10 bits of each factor: too few for 16-bit pictures.
        with torch.inference_mode(), cudnn.flags(enabled=True, allow_tf32=False):
            attention, clean = forward_in_bands(net, torch.from_numpy(planes).to(device))
            return clean[0].permute(1, 2, 0).cpu().numpy(), attention[0, 0].cpu().numpy()
    except torch.cuda.OutOfMemoryError as error:
        reason = f"{width}×{height} px: the GPU has too little memory for an image of this size"
        raise ResourceError(f"{reason}; --device cpu takes {needed / 1e9:.1f} GB of the computer's") from error


def to_levels(clean: F32, dtype: "np.dtype[Level] | type[Level]") -> NDArray[Level]:
    """Convert a clean picture to uint8 or uint16: clipped to 0…1, scaled, rounded half to even.

    Args:
        clean: float32 in about 0…1, any shape.
        dtype: uint8 or uint16.
    """
    levels = np.empty(clean.shape, dtype)
    white = np.float32(_WHITE[levels.dtype])
    # Row by row: a float copy of one row instead of three of the picture.
    for row, out in zip(clean, levels, strict=True):
        np.copyto(out, np.rint(np.clip(row, 0, 1) * white), casting="unsafe")
    return levels


def choose_device(name: str) -> str:
    """Choose the device to compute on.

    Args:
        name: "auto", "cpu" or "cuda".

    Returns:
        "cpu" or "cuda".

    Raises:
        UsageError: it is another word, or "cuda" where torch can use no GPU.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device {name}: use auto, cpu or cuda")
    has_gpu = torch.cuda.is_available() if name != "cpu" else False
    if name == "cuda" and not has_gpu:
        raise UsageError("--device cuda: torch finds no GPU here; --device cpu works everywhere")
    return "cuda" if has_gpu else "cpu"


def _free_memory() -> float:
    """Return the bytes that are free without other programs losing theirs; infinite where the system does not say."""
    try:
        return float(psutil.virtual_memory().available + psutil.swap_memory().free)
    except (psutil.Error, NotImplementedError, OSError):
        return float("inf")
