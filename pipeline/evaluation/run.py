"""Rainy pictures and what weights make of them, measured against the clean images of a data set.

Pictures go through one after the other: memory grows neither with the data set nor with the gallery.
"""

import json
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.border import border
from pipeline.evaluation.gallery import Gallery, Output
from pipeline.evaluation.html import page
from pipeline.evaluation.scores import ScoreTable, infinite_notes
from pipeline.output_folder import OutputFolder
from pipeline.stages import Progress
from pipeline.words import counted
from rainclean import __version__
from rainclean.dataset import Dataset, DatasetPair, read_dataset, read_pair
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.metrics import PROTOCOLS, Score, score
from rainclean.spanet import shipped_weights

if TYPE_CHECKING:
    from rainclean.spanet import SPANet

U8 = NDArray[np.uint8]

RAINY = "rainy"
"""Name of the method that leaves rain where it is."""

MANIFEST = "report.json"
NAMES = ("index.html", "scores.csv", "scenes.csv", MANIFEST, "gallery")

_FORMS = (
    r"index\.html|(scores|scenes)\.csv|report\.json|"
    r"gallery/\d{5,}-\d+-(picture|clean|attention|error)(-small)?\.png"
)

SPLITS = ("train", "val", "test")

_ROOMY = 64
"""Pixels a side from which the window of SSIM fits into a picture, whatever the protocol."""


@dataclass(frozen=True)
class EvaluateSettings:
    """What `evaluate` is asked for.

    weights: files, none for the shipped ones. split: None for test, or val where there is no test. protocols: names;
    the order of columns. gallery: how many pictures to show. worst_by: protocol that ranks them; None for basicsr-rgb,
    or the first where that is not asked for. device: auto, cpu or cuda. Raises UsageError for what cannot be meant.
    """

    weights: tuple[Path, ...] = ()
    split: str | None = None
    protocols: tuple[str, ...] = tuple(PROTOCOLS)
    gallery: int = 24
    worst_by: str | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if not self.protocols or len(set(self.protocols)) < len(self.protocols):
            raise UsageError("--protocols: at least one name is needed, and each only once")
        if self.split not in (None, *SPLITS):
            raise UsageError(f"--split {self.split}: use {', '.join(SPLITS)}")
        for name in (*self.protocols, *([] if self.worst_by is None else [self.worst_by])):
            if name not in PROTOCOLS:
                raise UsageError(f"no protocol {name!r}: use {', '.join(PROTOCOLS)}")
        if self.worst_by is not None and self.worst_by not in self.protocols:
            raise UsageError(f"--worst-by {self.worst_by}: is not among --protocols {' '.join(self.protocols)}")
        if self.gallery < 0:
            raise UsageError(f"--gallery {self.gallery}: a number of pictures from 0 up is needed")

    @property
    def ranking(self) -> str:
        """Protocol that ranks the gallery."""
        return self.worst_by or ("basicsr-rgb" if "basicsr-rgb" in self.protocols else self.protocols[0])


@dataclass(frozen=True)
class Method:
    """A network that is measured: its name in tables, where it comes from, and itself."""

    name: str
    path: Path
    provenance: dict[str, Any]
    net: "SPANet"


def evaluation_folder(output: Path, dataset: Path) -> OutputFolder:
    """The folder to write into, checked before the work. Raises RaincleanError where it cannot be used."""
    if dataset.is_dir() and output.resolve().is_relative_to(dataset.resolve()):
        raise RaincleanError(f"{output}: lies in the data set, which stays as it is; choose another folder with -o")
    return OutputFolder(output, MANIFEST, NAMES, _FORMS, ("dataset", "methods", "cases"))


def evaluate(
    dataset: Path, settings: EvaluateSettings, folder: OutputFolder
) -> Generator[Progress, None, dict[str, Any]]:
    """Score every pair of a split and write tables, gallery and report.json; returns what stands in the latter.

    Raises RaincleanError, one line, for a data set without the split, weights that cannot be read, damaged files,
    sides of unequal size, pictures too small for SSIM, and a folder that cannot be written.
    """
    data = read_dataset(dataset)
    split = choose_split(data, settings.split)
    pairs = data.of(split)
    methods = load_methods(settings.weights or (shipped_weights(),), settings.device)
    yield from _look_through(pairs, settings.protocols)
    with folder.filling() as partial:
        gallery = Gallery(partial, settings.gallery)
        with ScoreTable(partial / "scores.csv") as table:
            for number, pair in enumerate(pairs):
                _measure(number, pair, data, methods, settings, table, gallery)
                yield Progress("score", number + 1, len(pairs))
        table.write_scenes(partial / "scenes.csv")
        report = _report(data, split, methods, settings, table)
        cases = gallery.worst_first()
        _write_text(partial / "index.html", page(report, cases))
        report["cases"] = [case.to_json() for case in cases]
        written = (p.relative_to(partial).as_posix() for p in partial.rglob("*") if p.is_file())
        report["files"] = sorted([*written, MANIFEST])
        report["sums"] = folder.sums()
        _write_text(partial / MANIFEST, json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return report


def choose_split(data: Dataset, wanted: str | None) -> str:
    """The split asked for, else test, else val. Raises InputError where the data set has it not."""
    for split in ("test", "val") if wanted is None else (wanted,):
        if split in data.splits:
            return split
    missing = "neither test nor val pairs" if wanted is None else f"no {wanted} pairs"
    advice = f"it has {', '.join(data.splits)}: --split {data.splits[0]}"
    raise InputError(data.root, f"holds {missing}", advice)


def load_methods(weights: Sequence[Path], device: str) -> list[Method]:
    """Networks by the names of their files. Raises InputError for files that are no weights, UsageError for a
    file named twice."""
    from rainclean.spanet import load, require_torch

    require_torch()
    from rainclean.spanet import choose_device, file_sha256, read

    chosen, methods = choose_device(device), []
    for name, path in zip(method_names(weights), weights, strict=True):
        origin, _ = read(path)
        provenance = {"file": str(path), "sha256": file_sha256(path), "origin": asdict(origin)}
        methods.append(Method(name, path, provenance, load(path).to(chosen)))
    return methods


def method_names(weights: Sequence[Path]) -> list[str]:
    """Stems of weights files, with as many folders before them as it takes to tell them apart."""
    places = [path.parent.resolve() / path.name for path in weights]
    twice = [path for path, place in zip(weights, places, strict=True) if places.count(place) > 1]
    if twice:
        raise UsageError(f"--weights: {twice[0]} is named twice")
    names = [place.stem for place in places]
    for depth in range(2, max(len(place.parts) for place in places) + 1):
        count = Counter((RAINY, *names))
        names = [
            "/".join((*place.parts[-depth:-1], place.stem)) if count[name] > 1 else name
            for name, place in zip(names, places, strict=True)
        ]
    return names if len({RAINY, *names}) > len(names) else [str(place) for place in places]


def _look_through(pairs: Sequence[DatasetPair], protocols: Sequence[str]) -> Generator[Progress, None, None]:
    """Read everything once: an hour's work should not end at a damaged file. Networks take far longer."""
    failed: list[str] = []
    for done, pair in enumerate(pairs, 1):
        with border(pair.rainy, failed.append):
            _look_at(pair, protocols)
        yield Progress("read", done, len(pairs))
    if len(failed) == 1:
        raise RaincleanError(failed[0])
    for line in failed:
        yield Progress("read", len(pairs), len(pairs), f"failed: {line}")
    if failed:
        raise RaincleanError(f"{len(failed)} of {len(pairs)} pairs cannot be used; numbers without them would mislead")


def _look_at(pair: DatasetPair, protocols: Sequence[str]) -> None:
    rainy, clean = read_pair(pair)
    try:
        if min(clean.shape[:2]) < _ROOMY:
            _scores(rainy, clean, protocols)
    except ValueError as error:
        raise InputError(pair.rainy, str(error), "take this pair out of the data set") from error


def _measure(
    number: int,
    pair: DatasetPair,
    data: Dataset,
    methods: Sequence[Method],
    settings: EvaluateSettings,
    table: ScoreTable,
    gallery: Gallery,
) -> None:
    """Score one pair; pictures that the gallery does not want are forgotten at once."""
    from rainclean.spanet import derain, to_levels

    rainy, clean = read_pair(pair)
    image = pair.rainy.relative_to(data.root).as_posix()
    outputs = [Output(RAINY, _scores(rainy, clean, settings.protocols), rainy)]
    table.add(image, pair.scene, RAINY, outputs[0].scores)
    rank = float("inf")
    for method in methods:
        picture, attention = derain(method.net, rainy)
        if not np.isfinite(picture).all():
            raise InputError(method.path, f"gives values that are not finite for {pair.rainy}")
        scores = _scores(picture, clean, settings.protocols)
        table.add(image, pair.scene, method.name, scores)
        if method is methods[0]:
            rank = next(s.psnr for s in scores if s.protocol == settings.ranking)
        if gallery.wants(rank):
            outputs.append(Output(method.name, scores, to_levels(picture, np.uint8), attention))
    if gallery.wants(rank):
        gallery.keep(number, (image, pair.scene), rank, clean, tuple(outputs))


def _scores(picture: U8 | NDArray[np.float32], clean: U8, protocols: Sequence[str]) -> tuple[Score, ...]:
    return tuple(score(picture, clean, name) for name in protocols)


def _report(
    data: Dataset, split: str, methods: Sequence[Method], settings: EvaluateSettings, table: ScoreTable
) -> dict[str, Any]:
    """report.json but for `files`."""
    pairs, summary, notes = data.of(split), table.summary(), []
    if split == "train":
        notes.append(
            "split train: weights may have been trained on these pairs; their numbers then say nothing of others"
        )
    masked = sum(pair.exclude is not None for pair in pairs)
    if masked:
        have = "has an exclusion mask" if masked == 1 else "have exclusion masks"
        notes.append(f"{counted(masked, 'pair')} {have}: excluded pixels count as all others, protocols know no masks")
    return {
        "rainclean": __version__,
        "versions": {name: version(name) for name in ("torch", "numpy", "opencv-python")},
        "dataset": {
            "name": data.root.resolve().name,
            "path": str(data.root),
            "layout": data.layout,
            "pairs_sha256": data.pairs_sha256,
            "split": split,
            "pairs": len(pairs),
            "scenes": len({pair.scene for pair in pairs if pair.scene}),
            "pairs_with_exclusion_mask": masked,
        },
        "methods": [{"name": RAINY}, *({"name": m.name, "weights": m.provenance} for m in methods)],
        "protocols": {name: asdict(PROTOCOLS[name]) for name in settings.protocols},
        "worst": {"method": methods[0].name, "protocol": settings.ranking, "shown": min(settings.gallery, len(pairs))},
        "summary": summary,
        "notes": [*notes, *infinite_notes(summary)],
    }


def _write_text(path: Path, text: str) -> None:
    # Names may be bytes that are no text.
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
