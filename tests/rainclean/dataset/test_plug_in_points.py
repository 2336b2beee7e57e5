"""A layout that is added from outside is written, checked and read like ours."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.main import main
from rainclean.dataset import (
    LAYOUTS,
    Files,
    Layout,
    PairKey,
    PairPaths,
    Problem,
    StoredPair,
    Widths,
    read_dataset,
    register_layout,
    unregister_layout,
)
from tests.helpers.rainy_clips import rainy_clip


class Derained(Layout):
    """``SPLIT/rain/NAME.png`` beside ``SPLIT/norain/NAME.png``."""

    name = "derained"
    splits = ("train", "test")
    written = re.compile(r"(train|test)/(rain|norain)/[\d-]+\.png")

    def paths(self, key: PairKey, widths: Widths) -> PairPaths:
        self.check_splits([key.split])
        stem = f"{key.scene}-{key.frame}-{key.x}-{key.y}"
        rainy, clean = (f"{key.split}/{side}/{stem}.png" for side in ("rain", "norain"))
        return PairPaths(rainy, clean, f"exclude/{stem}.png", f"confidence/{stem}.png")

    def is_here(self, files: Files) -> bool:
        return any("rain" in files.subfolders(split) or files.folder(f"{split}/norain") for split in self.splits)

    def scene_of(self, pair: StoredPair) -> str:
        return pair.stem.partition("-")[0]

    def lists(self, rows: Iterable[Any]) -> dict[str, bytes]:
        return {}

    def scan(self, files: Files, report: Any) -> Iterator[StoredPair]:
        for split in self.splits:
            for name in sorted(files.folder(f"{split}/rain")):
                stem = name.removesuffix(".png")
                masks = (files.find(f"{kind}/{name}") for kind in ("exclude", "confidence"))
                exclude, confidence = masks
                yield StoredPair(
                    split=split,
                    rainy=f"{split}/rain/{name}",
                    clean=f"{split}/norain/{name}",
                    exclude=exclude,
                    confidence=confidence,
                    stem=stem,
                )

    def leftovers(self, files: Files, pairs: Sequence[Any], problems: Sequence[Any]) -> Iterator[Problem]:
        return iter(())


def test_a_data_set_is_exported_checked_and_read(tmp_path: Path) -> None:
    home, out = str(tmp_path / "home"), tmp_path / "pairs"
    register_layout(Derained())
    try:
        main(["new", home])
        main(["add", home, str(rainy_clip(tmp_path / "place.mkv", 1))])
        main(["analyze", home, "--recipe", "median"])
        main(["select", home, "place", "--candidate", "n24-p50", "--who", "Ann"])
        main(["export", home, "-o", str(out), "--layout", "derained", "--frames", "every:6"])
        main(["check", str(out)])
        main(["export", home, "-o", str(out), "--layout", "derained", "--frames", "every:6"])  # in its place
        pairs = read_dataset(out).pairs
    finally:
        unregister_layout("derained")
    pictures = {path.relative_to(out).parent.as_posix() for path in out.rglob("*.png")}
    assert {"train/rain", "train/norain"} <= pictures
    assert len(pairs) == len(list((out / "train" / "rain").iterdir())) == 4


def test_ours_stay() -> None:
    for name in ("spa", "derained"):
        with pytest.raises(ValueError, match=name):
            unregister_layout(name)
    with pytest.raises(ValueError, match="registered already"):
        register_layout(LAYOUTS["spa"])
