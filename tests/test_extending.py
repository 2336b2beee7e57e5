"""The examples of docs/extending.md run as they are written."""

import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

EXAMPLES = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "docs" / "extending.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
USED = {
    "register_estimator": "from rainclean.candidates import Recipe\nprint(Recipe.parse('n20-trimmed').description)",
    "register_defect": """
from rainclean.candidates import score
picture = np.full((9, 9, 3), 120, np.uint8)
print(score(picture, picture[..., 0], np.full((9, 9), 100, np.float32)).more)""",
    "register_rule": """
import numpy as np
from rainclean.verdict import Facts, Sight, areas_from_outside, judge
white = np.full((9, 9, 3), 255, np.uint8)
print(judge(Facts(used=20, areas=areas_from_outside(Sight(white, white, white[..., 0])))).description)""",
    "register_detector": "from rainclean.moving import texts\nprint(texts()['blinking'])",
    "register_motion_model": """
from rainclean.stabilization.motion_models import motion_model, moving_models
from rainclean.stabilization.gauss_newton import project_to_model as in_px
print(moving_models(), np.round(in_px('zoom', np.diag([2.0, 2.0, 1.0]), (90, 120)), 6).tolist())""",
    "register_layout": "from rainclean.dataset import layout\nprint(layout('flat').splits)",
    "register_derainer": """
from pipeline.derainers import Options, choose, open_derainers
(median,) = open_derainers([choose("", "median:small=3")], Options(), "rainy")
print(median.name, median.description(), median.derain(cv2.UMat(9, 9, cv2.CV_8UC3).get(), None).picture.shape)""",
}
EXPECTED = {
    "register_estimator": "20 frames, trimmed mean",
    "register_defect": "{'too_bright': 10.0}",
    "register_rule": "unfit: 100 % of the frame is clipped",
    "register_detector": "a lamp blinks",
    "register_motion_model": "['translation', 'euclidean', 'zoom', 'affine', 'homography'] "
    "[[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 1.0]]",
    "register_layout": "('train',)",
    "register_derainer": "small median of 3×3 px (9, 9, 3)",
}


@pytest.mark.parametrize("name", USED)
def test_an_example_does_what_it_says(name: str) -> None:
    (example,) = (text for text in EXAMPLES if f"import {name}" in text or f", {name}" in text)
    done = subprocess.run(
        [sys.executable, "-c", f"{example}\n{USED[name]}"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == EXPECTED[name]
