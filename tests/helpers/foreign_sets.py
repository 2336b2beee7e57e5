"""Tiny replicas of published data sets: the names of a few of their files, with small pictures."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from tests.helpers.training_pairs import streaked


class Known(NamedTuple):
    """A pair that a replica has."""

    rainy: str
    clean: str
    split: str
    scene: str = ""


def _same(place: str, names: str, sides: tuple[str, str], split: str) -> list[Known]:
    return [Known(f"{place}/{sides[0]}/{name}", f"{place}/{sides[1]}/{name}", split) for name in names.split()]


INPUT = ("input", "target")
RAIN = ("rain", "norain")

_SPA = [
    Known(f"real_world/{s}/{s}-{f}/{s}-{f}_{x}_0.png", f"real_world_gt/{s}/{s}-{f}/{s}-{f}_{x}_0.png", "train", s)
    for s in ("000", "001", "002") for f in (1, 12) for x in (0, 256)
]  # fmt: skip
_SPA_TEST = [Known(f"real_test_1000/rain/{n}.png", f"real_test_1000/gt/{n}gt.png", "test") for n in ("000", "001")]

REPLICAS: dict[str, list[Known]] = {
    "SPA-Data": _SPA + _SPA_TEST,
    "SPA-Data without lists": _SPA + _SPA_TEST,
    "RCDNet's SPA-Data": _SPA + _same("test/small", "1.png 2.png", RAIN, "test"),
    "Rain100L of RCDNet": [
        *_same("train/small", "norain-1.png norain-2.png", RAIN, "train"),
        *_same("test/small", "norain-001.png", RAIN, "test"),
    ],
    "Rain100L": [
        *(Known(f"rain_data_train_Light/rain/norain-{n}x2.png", f"rain_data_train_Light/norain/norain-{n}.png", "train")
          for n in (1, 2, 10)),
        Known("rain_data_test_Light/rain/X2/norain-001x2.png", "rain_data_test_Light/norain/norain-001.png", "test"),
    ],
    "Rain100H, first version": [
        *(Known(f"train/RainTrainH/rain-{n}.png", f"train/RainTrainH/norain-{n}.png", "train") for n in (1, 2, 30)),
        Known("test/Rain100H/rainy/rain-001.png", "test/Rain100H/norain-001.png", "test"),
    ],
    "Rain100H, rain and norain": [
        Known(f"Rain100H/rain/rain-{n}.png", f"Rain100H/norain/norain-{n}.png", "all") for n in (1, 2)
    ],
    "Rain13K": [
        *_same("train/Rain13K", "1.jpg 2.jpg 3.jpg", INPUT, "train"),
        *_same("test/Test100", "1.png 2.png", INPUT, "test"),
        *_same("test/Rain100H", "1.png", INPUT, "test"),
        *_same("test/Rain100L", "1.png", INPUT, "test"),
        *_same("test/Test2800", "1.jpg", INPUT, "test"),
        *_same("test/Test1200", "1.png", INPUT, "test"),
    ],
    "Rain13K without a folder of its own": [
        *_same("train", "1.jpg 2.jpg", INPUT, "train"),
        *_same("test/Test100", "1.png 2.png", INPUT, "test"),
    ],
    "DDN": [
        *(Known(f"training/rainy_image/{n}_{k}.jpg", f"training/ground_truth/{n}.jpg", "train", f"training/{n}")
          for n in (1, 2, 900) for k in (1, 14)),
        *(Known(f"testing/rainy_image/1_{k}.jpg", "testing/ground_truth/1.jpg", "test", "testing/1") for k in (1, 2)),
    ],
    "GT-RAIN": [
        *(Known(f"GT-RAIN_train/{s}/{s}-Webcam-R-{n:03}.png", f"GT-RAIN_train/{s}/{s}-Webcam-C-000.png", "train", s)
          for s in ("Bath_0-0", "Yangon_2") for n in range(2)),
        *(Known(f"GT-RAIN_train/Gurutto_1-2/G-R-{n:03}.png", f"GT-RAIN_train/Gurutto_1-2/G-C-{n:03}.png", "train",
                "Gurutto_1-2") for n in range(2)),
        Known("GT-RAIN_val/Oinari_0-0/O-R-000.png", "GT-RAIN_val/Oinari_0-0/O-C-000.png", "val", "Oinari_0-0"),
        Known("GT-RAIN_test/Winter_1/W-R-000.png", "GT-RAIN_test/Winter_1/W-C-000.png", "test", "Winter_1"),
    ],
    "LHP-Rain": [
        *_same("train", "0001.png 0002.png 0003.png", ("input", "gt"), "train"),
        *_same("test", "2701.png", ("input", "gt"), "test"),
    ],
    "RealRain-1k": [
        *_same("RealRain-1k-L/training", "1.png 2.png", INPUT, "train"),
        *_same("RealRain-1k-L/validation", "3.png", INPUT, "val"),
        *_same("RealRain-1k-L/test", "4.png", INPUT, "test"),
        *_same("RealRain-1k-H/training", "1.png", INPUT, "train"),
    ],
    "bare folders": _same("pictures", "a.png b.png c.jpg", INPUT, "all"),
    "bare root": [Known(f"input/{n}.png", f"target/{n}.png", "all") for n in "abc"],
}  # fmt: skip

LISTED = ("SPA-Data", "RCDNet's SPA-Data")


def write_replica(root: Path, name: str, side: int = 64) -> Path:
    """Write a replica; pairs of one clean picture share its content."""
    pairs = REPLICAS[name]
    places = {clean: number for number, clean in enumerate(dict.fromkeys(pair.clean for pair in pairs))}
    for pair in pairs:
        rainy, clean = streaked(101 * places[pair.clean] + 7, side)
        for path, picture in ((root / pair.rainy, rainy), (root / pair.clean, clean)):
            write_picture(path, picture)
    if name in LISTED:
        for split, file, slash in (("train", "real_world.txt", ""), ("test", "real_test_1000.txt", "/")):
            lines = [f"{slash}{p.rainy} {slash}{p.clean}\n" for p in pairs if p.split == split and "real_" in p.rainy]
            if lines:
                (root / file).write_text("".join(lines), encoding="utf-8", newline="\n")
    return root


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write an RGB picture in the format of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    assert done
    path.write_bytes(data.tobytes())
