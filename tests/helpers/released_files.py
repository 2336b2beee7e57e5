"""Files of the released network, which are never part of the project: tests that need them skip without."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.conftest import ROOT

FOLDER = ROOT.parent / "shared" / "spanet"

needs_released = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs ../shared/spanet, which is not published")

CHECKPOINT = FOLDER / "official_latest.pth"


def arrays(name: str) -> Any:
    return np.load(FOLDER / name)


def bgr_crop() -> Tensor:
    import cv2

    picture = cv2.imread(str(FOLDER / "yard_crop.png"))
    assert picture is not None
    return torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1).unsqueeze(0)


def off(one: Tensor, other: Any) -> float:
    return float((one - torch.as_tensor(other)).abs().max())


def relative(one: Tensor, reference: Any) -> float:
    reference = torch.as_tensor(reference)
    largest = float(reference.abs().max())
    return off(one, reference) / largest if largest else float(one.abs().max())
