"""Score rainy pictures and the output of derainers against the clean images of a data set.

Pictures are processed one after the other: three numbers of each stay in memory for every method and protocol.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.border import border
from pipeline.derainers import Choice, Derainer, Options, open_derainers
from pipeline.evaluation import analysis, tables
from pipeline.evaluation.gallery import Gallery, Output, RankedPair
from pipeline.evaluation.html import page
from pipeline.evaluation.report import EvaluatedData, EvaluationReport, MethodRecord, Ranking
from pipeline.evaluation.scores import ScoreTable, infinite_notes
from pipeline.evaluation.weighing import pair_weights, weighings_of
from pipeline.output_folder import OutputFolder
from pipeline.stages import Progress
from pipeline.text_format import counted, few
from rainclean import __version__
from rainclean.dataset import (
    KNOWN_NAMES,
    NAME,
    UNSPLIT,
    Dataset,
    DatasetPair,
    Pairing,
    rain_mask,
    read_dataset,
    read_manifest,
    read_pair,
)
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.metrics import PROTOCOLS, Protocol, Score, has_weight, score, weighed
from rainclean.spanet import shipped_weights

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

RAINY = "rainy"
"""Name of the method that does nothing."""

MANIFEST = "report.json"
NAMES = (
    "index.html", "scores.csv", "scenes.csv", "comparisons.csv", "by_rain.csv", MANIFEST, "gallery", tables.FOLDER,
)  # fmt: skip

_FORMS = (
    r"index\.html|(scores|scenes|comparisons|by_rain)\.csv|report\.json|tables/[a-z0-9-]+\.(tex|md)|"
    r"gallery/\d{5,}-\d+-(picture|clean|attention|error)(-small)?\.png"
)

SPLITS = ("train", "val", "test")

_ROOMY = 64
"""Side in px from which the SSIM window of every protocol fits into a picture."""


@dataclass(frozen=True)
class EvaluateSettings:
    """Settings of `evaluate`. Raises UsageError for values out of range.

    weights: files or folders of runs. methods: further derainers, after them; without either, the shipped weights.
    split: None for test, or val where there is no test. protocols: names, in the order of columns. masks: score by
    their masked and weighted variants, too. gallery: number of pictures to show. worst_by: protocol that ranks them;
    None for basicsr-rgb, or the first where that is not among the protocols. device, pad_to, networks, accept_changed:
    as in `Options`. pairing: what a person says about the pairs of the data set.
    """

    weights: tuple[Path, ...] = ()
    _: KW_ONLY
    methods: tuple[Choice, ...] = ()
    networks: tuple[str, ...] = ()
    accept_changed: bool = False
    pad_to: int = 1
    masks: bool = False
    split: str | None = None
    protocols: tuple[str, ...] = tuple(PROTOCOLS)
    gallery: int = 24
    worst_by: str | None = None
    device: str = "auto"
    pairing: Pairing = KNOWN_NAMES

    def __post_init__(self) -> None:
        if not self.protocols or len(set(self.protocols)) < len(self.protocols):
            raise UsageError("--protocols: give at least one name, and each only once")
        if self.split not in (None, UNSPLIT, *SPLITS):
            raise UsageError(f"--split {self.split}: use {', '.join(SPLITS)}")
        for name in (*self.protocols, *([] if self.worst_by is None else [self.worst_by])):
            if name not in PROTOCOLS:
                raise UsageError(f"no protocol {name!r}: use {', '.join(PROTOCOLS)}")
        if self.worst_by is not None and self.worst_by not in self.protocols:
            raise UsageError(f"--worst-by {self.worst_by}: not among --protocols {' '.join(self.protocols)}")
        if self.gallery < 0:
            raise UsageError(f"--gallery {self.gallery}: give a number of images from 0")
        if not 1 <= self.pad_to <= 4096:
            raise UsageError(f"--pad-to {self.pad_to}: give a number from 1 to 4096")

    @property
    def ranking(self) -> str:
        """Return the protocol that ranks the gallery."""
        return self.worst_by or ("basicsr-rgb" if "basicsr-rgb" in self.protocols else self.protocols[0])

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Return all methods to score: weights first."""
        weights = self.weights or (() if self.methods else (shipped_weights(),))
        return (*(Choice("weights", path) for path in weights), *self.methods)

    @property
    def options(self) -> Options:
        """Return how they run."""
        return Options(
            device=self.device, pad_to=self.pad_to, networks=self.networks, accept_changed=self.accept_changed
        )


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What is scored, by what. rain_shares: from the manifest, by image; empty where there is none."""

    data: Dataset
    split: str
    settings: EvaluateSettings
    methods: tuple[Derainer, ...]
    protocols: Mapping[str, Protocol]
    rain_shares: Mapping[str, float]

    @property
    def pairs(self) -> Sequence[DatasetPair]:
        return self.data.split(self.split)

    def image(self, pair: DatasetPair) -> str:
        """Return the name of a pair's rainy picture below the data set."""
        return pair.rainy.relative_to(self.data.root).as_posix()


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
        Progress of the stages "read", "score" and "compare".

    Returns:
        The content of report.json.

    Raises:
        RaincleanError: The split or masks are missing, methods or pictures cannot be used, sides have unequal sizes,
            pictures are too small for SSIM, or the folder cannot be written.
    """
    data = read_dataset(dataset, settings.pairing)
    split = choose_split(data, settings.split)
    pairs = data.split(split)
    protocols = {name: PROTOCOLS[name] for name in settings.protocols}
    if settings.masks:
        kinds = weighings_of(data.root, split, pairs)
        protocols |= {each.name: each for kind in kinds for each in (weighed(n, kind) for n in settings.protocols)}
    methods = tuple(open_derainers(settings.choices, settings.options, RAINY))
    for method in methods:
        method.prepare(pairs)
    job = _Job(
        data=data, split=split, settings=settings, methods=methods, protocols=protocols, rain_shares=_rain_shares(data)
    )
    yield from _look_through(job)
    with folder.filling() as partial:
        gallery = Gallery(partial, settings.gallery)
        with ScoreTable(partial / "scores.csv") as table:
            for number, pair in enumerate(pairs):
                _measure(number, pair, job, table=table, gallery=gallery)
                yield Progress("score", number + 1, len(pairs))
        report = replace((yield from _report(job, table)), cases=tuple(gallery.worst_first()))
        table.write_scenes(partial / "scenes.csv")
        analysis.write_rows(partial / "comparisons.csv", analysis.COMPARISON_COLUMNS, report.comparisons)
        analysis.write_rows(partial / "by_rain.csv", analysis.RAIN_COLUMNS, report.by_rain)
        made = tables.tables_of(report.summary, report.by_rain, report.comparisons, report.statistics)
        tables.write_tables(partial / tables.FOLDER, made)
        _write_text(partial / "index.html", page(report))
        written = (p.relative_to(partial).as_posix() for p in partial.rglob("*") if p.is_file())
        report = replace(report, files=tuple(sorted([*written, MANIFEST])), sums=folder.sums())
        _write_text(
            partial / MANIFEST, json.dumps(report.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        )
    return report


def choose_split(data: Dataset, wanted: str | None) -> str:
    """Return the wanted split, else test, val, or all where the data set has no splits. Raises InputError for none."""
    for split in ("test", "val", UNSPLIT) if wanted is None else (wanted,):
        if split in data.splits:
            return split
    missing = "neither test nor val pairs" if wanted is None else f"no {wanted} pairs"
    advice = f"it has {', '.join(data.splits)}: --split {data.splits[0]}"
    raise InputError(data.root, f"holds {missing}", advice)


def _rain_shares(data: Dataset) -> dict[str, float]:
    """Return the share of pixels with rain of each rainy picture in the manifest; empty without one."""
    manifest = data.root / NAME
    return {row.rainy: row.rain_share for row in read_manifest(manifest)} if manifest.is_file() else {}


def _look_through(job: _Job) -> Generator[Progress, None, None]:
    """Read everything once, so that an hour's work does not end at a damaged file. Networks take far longer."""
    failed: list[str] = []
    pairs = job.pairs
    for done, pair in enumerate(pairs, 1):
        with border(pair.rainy, failed.append):
            _look_at(pair, job)
        yield Progress("read", done, len(pairs))
    if len(failed) == 1:
        raise RaincleanError(failed[0])
    for line in failed:
        yield Progress("read", len(pairs), len(pairs), note=f"failed: {line}")
    if failed:
        raise RaincleanError(f"{len(failed)} of {len(pairs)} pairs cannot be used; numbers without them would mislead")


def _look_at(pair: DatasetPair, job: _Job) -> None:
    rainy, clean = read_pair(pair)
    weights = _weights(pair, rainy, job)
    try:
        if min(clean.shape[:2]) < _ROOMY:
            _scores(rainy, clean, job, weights)
    except ValueError as error:
        raise InputError(pair.rainy, str(error), "take this pair out of the data set") from error


def _measure(number: int, pair: DatasetPair, job: _Job, *, table: ScoreTable, gallery: Gallery) -> None:
    """Score one pair; drop pictures that the gallery does not want at once."""
    rainy, clean = read_pair(pair)
    image, weights = job.image(pair), _weights(pair, rainy, job)
    rain = job.rain_shares.get(image)
    table.begin(image, pair.scene, float(rain_mask(rainy, clean).mean()) if rain is None else rain)
    outputs = [Output(RAINY, _scores(rainy, clean, job, weights), rainy)]
    table.add(RAINY, outputs[0].scores)
    rank = float("inf")
    for method in job.methods:
        picture, attention = method.derain(rainy, pair)
        if picture.shape != rainy.shape or not np.isfinite(picture).all():
            raise InputError(method.path, f"gives a picture of another size, NaN or infinity for {pair.rainy}")
        scores = _scores(picture, clean, job, weights)
        table.add(method.name, scores)
        if method is job.methods[0]:
            rank = next(s.psnr for s in scores if s.protocol == job.settings.ranking)
        if gallery.wants(rank):
            outputs.append(Output(method.name, scores, _levels(picture), attention))
    if gallery.wants(rank):
        gallery.keep(RankedPair(number, image, pair.scene, rank), clean, tuple(outputs))


def _weights(pair: DatasetPair, rainy: U8, job: _Job) -> dict[Literal["", "masked", "weighted"], U8]:
    """Return the weights of pixels for the variants that are scored."""
    kinds = dict.fromkeys(protocol.weighing for protocol in job.protocols.values() if protocol.weighing)
    return {kind: pair_weights(pair, rainy, kind) for kind in kinds}


def _scores(
    picture: U8 | F32, clean: U8, job: _Job, weights: Mapping[Literal["", "masked", "weighted"], U8]
) -> tuple[Score, ...]:
    """Score a picture by all protocols; a variant has no score where everything is excluded."""
    found = []
    for name, protocol in job.protocols.items():
        weight = weights.get(protocol.weighing)
        if weight is None or has_weight(weight, name):
            found.append(score(picture, clean, name, weight))
    return tuple(found)


def _levels(picture: U8 | F32) -> U8:
    """Return a picture as uint8: clipped to 0…1, scaled, rounded half to even."""
    if picture.dtype == np.uint8:
        return np.asarray(picture, np.uint8)
    return np.rint(np.clip(np.asarray(picture, np.float32), 0, 1) * np.float32(255)).astype(np.uint8)


def _report(job: _Job, table: ScoreTable) -> Generator[Progress, None, EvaluationReport]:
    """Return the report without cases and files."""
    data, pairs, methods, settings = job.data, job.pairs, job.methods, job.settings
    yield Progress("compare", 0, 3)
    summary = table.summary()
    yield Progress("compare", 1, 3)
    compared = analysis.comparisons(table)
    yield Progress("compare", 2, 3)
    by_rain = analysis.by_rain(table)
    yield Progress("compare", 3, 3)
    libraries = dict.fromkeys(name for method in methods for name in method.libraries)
    from_manifest = all(job.image(pair) in job.rain_shares for pair in pairs)
    return EvaluationReport(
        rainclean=__version__,
        versions={name: version(name) for name in (*libraries, "numpy", "opencv-python", "scipy")},
        dataset=EvaluatedData(
            name=data.root.resolve().name,
            path=str(data.root),
            layout=data.layout,
            pairs_sha256=data.pairs_sha256,
            split=job.split,
            pairs=len(pairs),
            scenes=len({pair.scene for pair in pairs if pair.scene}),
            pairs_with_exclusion_mask=sum(pair.exclude is not None for pair in pairs),
        ),
        methods=(MethodRecord(RAINY), *(MethodRecord(m.name, m.description(), m.identity()) for m in methods)),
        protocols=job.protocols,
        worst=Ranking(methods[0].name, settings.ranking, min(settings.gallery, len(pairs))),
        summary=summary,
        statistics=analysis.statistics_of(table, "manifest" if from_manifest else "measured"),
        comparisons=compared,
        by_rain=by_rain,
        notes=(*_notes(job), *infinite_notes(summary)),
    )


def _notes(job: _Job) -> list[str]:
    """Return what a person should know about the numbers."""
    notes = []
    if job.split == "train":
        notes.append(
            "split train: the weights may have been trained on these pairs, so the numbers do not apply to others"
        )
    variants = [name for name, protocol in job.protocols.items() if protocol.weighing]
    masked = sum(pair.exclude is not None for pair in job.pairs)
    if variants:
        others = "the other protocols use no masks and compare with published numbers"
        notes.append(f"masks are used by {few(variants, 8)} alone; {others}")
    elif masked:
        have = "has an exclusion mask" if masked == 1 else "have exclusion masks"
        notes.append(f"{counted(masked, 'pair')} {have}; protocols use no masks, so excluded pixels count, too")
    return notes


def _write_text(path: Path, text: str) -> None:
    # Names may hold bytes that are not text.
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
