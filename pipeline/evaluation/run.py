"""Score rainy pictures and the output of weights against the clean images of a data set.

Pictures are processed one after the other: memory grows neither with the data set nor with the gallery.
"""

import json
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.border import border
from pipeline.evaluation.gallery import Gallery, Output, RankedPair
from pipeline.evaluation.html import page
from pipeline.evaluation.report import EvaluatedData, EvaluationReport, MethodRecord, Ranking, WeightsFile
from pipeline.evaluation.scores import ScoreTable, infinite_notes
from pipeline.output_folder import OutputFolder
from pipeline.stages import Progress
from pipeline.text_format import counted
from rainclean import __version__
from rainclean.dataset import Dataset, DatasetPair, read_dataset, read_pair
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.metrics import PROTOCOLS, Score, score
from rainclean.spanet import shipped_weights

if TYPE_CHECKING:
    from rainclean.spanet import SPANet

U8 = NDArray[np.uint8]

RAINY = "rainy"
"""Name of the method that does nothing."""

MANIFEST = "report.json"
NAMES = ("index.html", "scores.csv", "scenes.csv", MANIFEST, "gallery")

_OF_RUNS = ("best.safetensors", "last.safetensors")
"""Names of the weights files of every run (`pipeline.training.run_folder`, which is not needed here)."""

_FORMS = (
    r"index\.html|(scores|scenes)\.csv|report\.json|"
    r"gallery/\d{5,}-\d+-(picture|clean|attention|error)(-small)?\.png"
)

SPLITS = ("train", "val", "test")

_ROOMY = 64
"""Side in px from which the SSIM window of every protocol fits into a picture."""


@dataclass(frozen=True)
class EvaluateSettings:
    """Settings of `evaluate`. Raises UsageError for values out of range.

    weights: files, none for the shipped ones. split: None for test, or val where there is no test. protocols: names, in
    the order of columns. gallery: number of pictures to show. worst_by: protocol that ranks them; None for basicsr-rgb,
    or the first where that is not among the protocols. device: auto, cpu or cuda.
    """

    weights: tuple[Path, ...] = ()
    _: KW_ONLY
    split: str | None = None
    protocols: tuple[str, ...] = tuple(PROTOCOLS)
    gallery: int = 24
    worst_by: str | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if not self.protocols or len(set(self.protocols)) < len(self.protocols):
            raise UsageError("--protocols: give at least one name, and each only once")
        if self.split not in (None, *SPLITS):
            raise UsageError(f"--split {self.split}: use {', '.join(SPLITS)}")
        for name in (*self.protocols, *([] if self.worst_by is None else [self.worst_by])):
            if name not in PROTOCOLS:
                raise UsageError(f"no protocol {name!r}: use {', '.join(PROTOCOLS)}")
        if self.worst_by is not None and self.worst_by not in self.protocols:
            raise UsageError(f"--worst-by {self.worst_by}: not among --protocols {' '.join(self.protocols)}")
        if self.gallery < 0:
            raise UsageError(f"--gallery {self.gallery}: give a number of images from 0")

    @property
    def ranking(self) -> str:
        """Return the protocol that ranks the gallery."""
        return self.worst_by or ("basicsr-rgb" if "basicsr-rgb" in self.protocols else self.protocols[0])


@dataclass(frozen=True)
class Method:
    """A network to score: its name in tables, the path and record of its weights, and the network itself."""

    name: str
    path: Path
    weights: WeightsFile
    net: "SPANet"


def evaluation_folder(output: Path, dataset: Path) -> OutputFolder:
    """Open the folder to write to. Raises RaincleanError where it cannot be used."""
    if dataset.is_dir() and output.resolve().is_relative_to(dataset.resolve()):
        raise RaincleanError(f"{output}: lies in the data set, which must not change; choose another folder with -o")
    return OutputFolder(output, MANIFEST, NAMES, forms=_FORMS, keys=("dataset", "methods", "cases"))


def evaluate(
    dataset: Path, settings: EvaluateSettings, folder: OutputFolder
) -> Generator[Progress, None, EvaluationReport]:
    """Score every pair of a split and write tables, gallery and report.json.

    Args:
        dataset: Folder of the data set.
        settings: What to score, and how.
        folder: From `evaluation_folder`.

    Yields:
        Progress of the stages "read" and "score".

    Returns:
        The content of report.json.

    Raises:
        RaincleanError: The split is missing, weights or pictures are damaged, sides have unequal sizes, pictures are
            too small for SSIM, or the folder cannot be written.
    """
    data = read_dataset(dataset)
    split = choose_split(data, settings.split)
    pairs = data.split(split)
    methods = load_methods(settings.weights or (shipped_weights(),), settings.device)
    yield from _look_through(pairs, settings.protocols)
    with folder.filling() as partial:
        gallery = Gallery(partial, settings.gallery)
        with ScoreTable(partial / "scores.csv") as table:
            for number, pair in enumerate(pairs):
                _measure(number, pair, data, methods, settings=settings, table=table, gallery=gallery)
                yield Progress("score", number + 1, len(pairs))
        table.write_scenes(partial / "scenes.csv")
        report = _report(data, split, methods, settings, table)
        report = replace(report, cases=tuple(gallery.worst_first()))
        _write_text(partial / "index.html", page(report))
        written = (p.relative_to(partial).as_posix() for p in partial.rglob("*") if p.is_file())
        report = replace(report, files=tuple(sorted([*written, MANIFEST])), sums=folder.sums())
        _write_text(
            partial / MANIFEST, json.dumps(report.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        )
    return report


def choose_split(data: Dataset, wanted: str | None) -> str:
    """Return the wanted split, else test, else val. Raises InputError where the data set does not have it."""
    for split in ("test", "val") if wanted is None else (wanted,):
        if split in data.splits:
            return split
    missing = "neither test nor val pairs" if wanted is None else f"no {wanted} pairs"
    advice = f"it has {', '.join(data.splits)}: --split {data.splits[0]}"
    raise InputError(data.root, f"holds {missing}", advice)


def load_methods(weights: Sequence[Path], device: str) -> list[Method]:
    """Load networks, named by their files.

    Raises InputError for files that are not weights, UsageError for a file that is given twice.
    """
    from rainclean.spanet import load, require_torch

    require_torch()
    from rainclean.spanet import choose_device, file_sha256, read

    chosen, methods = choose_device(device), []
    for name, path in zip(method_names(weights), weights, strict=True):
        origin, _ = read(path)
        methods.append(Method(name, path, WeightsFile(str(path), file_sha256(path), origin), load(path).to(chosen)))
    return methods


def method_names(weights: Sequence[Path]) -> list[str]:
    """Return the stems of weights files, with as many folders before them as make them unique.

    The weights of a run are named after its folder: ``best`` and ``last`` tell no run from another.
    """
    places = [path.parent.resolve() / path.name for path in weights]
    twice = [path for path, place in zip(weights, places, strict=True) if places.count(place) > 1]
    if twice:
        raise UsageError(f"--weights: {twice[0]} is given twice")
    names = [place.parent.name if place.name in _OF_RUNS and place.parent.name else place.stem for place in places]
    for depth in range(2, max(len(place.parts) for place in places) + 1):
        count = Counter((RAINY, *names))
        names = [
            "/".join((*place.parts[-depth:-1], place.stem)) if count[name] > 1 else name
            for name, place in zip(names, places, strict=True)
        ]
    return names if len({RAINY, *names}) > len(names) else [str(place) for place in places]


def _look_through(pairs: Sequence[DatasetPair], protocols: Sequence[str]) -> Generator[Progress, None, None]:
    """Read everything once, so that an hour's work does not end at a damaged file. Networks take far longer."""
    failed: list[str] = []
    for done, pair in enumerate(pairs, 1):
        with border(pair.rainy, failed.append):
            _look_at(pair, protocols)
        yield Progress("read", done, len(pairs))
    if len(failed) == 1:
        raise RaincleanError(failed[0])
    for line in failed:
        yield Progress("read", len(pairs), len(pairs), note=f"failed: {line}")
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
    *,
    settings: EvaluateSettings,
    table: ScoreTable,
    gallery: Gallery,
) -> None:
    """Score one pair; drop pictures that the gallery does not want at once."""
    from rainclean.spanet import derain, to_levels

    rainy, clean = read_pair(pair)
    image = pair.rainy.relative_to(data.root).as_posix()
    outputs = [Output(RAINY, _scores(rainy, clean, settings.protocols), rainy)]
    table.add(image, pair.scene, RAINY, outputs[0].scores)
    rank = float("inf")
    for method in methods:
        picture, attention = derain(method.net, rainy)
        if not np.isfinite(picture).all():
            raise InputError(method.path, f"gives NaN or infinity for {pair.rainy}")
        scores = _scores(picture, clean, settings.protocols)
        table.add(image, pair.scene, method.name, scores)
        if method is methods[0]:
            rank = next(s.psnr for s in scores if s.protocol == settings.ranking)
        if gallery.wants(rank):
            outputs.append(Output(method.name, scores, to_levels(picture, np.uint8), attention))
    if gallery.wants(rank):
        gallery.keep(RankedPair(number, image, pair.scene, rank), clean, tuple(outputs))


def _scores(picture: U8 | NDArray[np.float32], clean: U8, protocols: Sequence[str]) -> tuple[Score, ...]:
    return tuple(score(picture, clean, name) for name in protocols)


def _report(
    data: Dataset, split: str, methods: Sequence[Method], settings: EvaluateSettings, table: ScoreTable
) -> EvaluationReport:
    """Return the report without cases and files."""
    pairs, summary, notes = data.split(split), table.summary(), []
    if split == "train":
        notes.append(
            "split train: the weights may have been trained on these pairs, so the numbers do not apply to others"
        )
    masked = sum(pair.exclude is not None for pair in pairs)
    if masked:
        have = "has an exclusion mask" if masked == 1 else "have exclusion masks"
        notes.append(f"{counted(masked, 'pair')} {have}: excluded pixels count, too: protocols use no masks")
    return EvaluationReport(
        rainclean=__version__,
        versions={name: version(name) for name in ("torch", "numpy", "opencv-python")},
        dataset=EvaluatedData(
            name=data.root.resolve().name,
            path=str(data.root),
            layout=data.layout,
            pairs_sha256=data.pairs_sha256,
            split=split,
            pairs=len(pairs),
            scenes=len({pair.scene for pair in pairs if pair.scene}),
            pairs_with_exclusion_mask=masked,
        ),
        methods=(MethodRecord(RAINY), *(MethodRecord(m.name, m.weights) for m in methods)),
        protocols={name: PROTOCOLS[name] for name in settings.protocols},
        worst=Ranking(methods[0].name, settings.ranking, min(settings.gallery, len(pairs))),
        summary=summary,
        notes=(*notes, *infinite_notes(summary)),
    )


def _write_text(path: Path, text: str) -> None:
    # Names may hold bytes that are not text.
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
