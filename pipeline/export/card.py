"""README.md of an export: a data-set card with a head that Hugging Face reads, and what a reader of the data needs."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Any

from pipeline.export.licences import card_licence
from pipeline.export.plan import Item, Plan
from pipeline.export.sequence_tables import CREDITS, SEQUENCES, Credit, Records, used_items
from pipeline.text_format import counted, plain
from rainclean import __version__
from rainclean.dataset import ManifestRow, by_split, data_files, is_packed, layout
from rainclean.number_text import percent

CARD = "README.md"

_MOST_LINES = 30
"""Lines of a table in the card; longer ones are in the files that it names."""

_MOST_PREVIEWS = 3
"""Animations in the card."""

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))

_READERS = {
    "webdataset": "The library `webdataset` reads the archives.",
    "basicsr": "BasicSR reads the two folders of each split.",
    "basicsr-lmdb": "BasicSR reads the databases.",
    "gtrain": "GT-RAIN reads the folder of each scene.",
    "spa": "SPANet and RCDNet read `real_world.txt` and `real_test_1000.txt`.",
    "paired": "Restormer, MPRNet, DRSformer, NAFNet and BasicSR read the two folders of each split.",
}
"""Trainers that read a layout as it is."""

_METHOD = """\
@inproceedings{wang2019spatial,
  title     = {Spatial Attentive Single-Image Deraining with a High Quality Real Rain Dataset},
  author    = {Wang, Tianyu and Yang, Xin and Xu, Ke and Chen, Shaozhe and Zhang, Qiang and Lau, Rynson W. H.},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {12262--12271},
  year      = {2019},
  doi       = {10.1109/CVPR.2019.01255}
}"""


def card(
    plan: Plan,
    records: Records,
    rows: Sequence[ManifestRow],
    credit: Sequence[Credit],
    *,
    notes: Sequence[str],
    previews: Iterable[str] = (),
) -> bytes:
    """Return README.md.

    Args:
        plan: What is exported.
        records: Its pairs, by sequence.
        rows: Of the manifest.
        credit: Of credits.csv.
        notes: Of the export.
        previews: Names of the files of `preview`.
    """
    items = used_items(plan, records)
    parts = [
        *_head(plan, items, rows),
        *_contents(items, rows),
        *_previews(previews),
        *_scenes(plan, rows),
        *_clean_images(plan, items, records),
        *_making(plan, rows, notes),
        *_reading(plan, rows),
        *_rights(credit),
        *_citing(),
    ]
    return ("\n".join(parts) + "\n").encode()


def title(rows: Sequence[ManifestRow]) -> str:
    """Return the title of a data set."""
    return f"Rain/clean image pairs of {counted(len({row.scene for row in rows}), 'scene')}"


def _head(plan: Plan, items: Sequence[Item], rows: Sequence[ManifestRow]) -> Iterator[str]:
    """Yield the YAML head. Every text in it is quoted as JSON does, which is YAML, too."""
    fields: dict[str, object] = {
        "pretty_name": title(rows),
        **card_licence([item.sequence.licence for item in items]),
        "task_categories": ["image-to-image"],
        "size_categories": [next((name for most, name in _SIZES if len(rows) < most), "10M<n<100M")],
        "tags": ["deraining", "image-restoration", "rain", "rainclean"],
    }
    yield "---"
    for key, value in fields.items():
        yield f"{key}: {json.dumps(value, ensure_ascii=False)}"
    files = data_files(layout(plan.settings.layout), rows)
    if files:
        yield from ("configs:", "- config_name: default")
        if not is_packed(layout(plan.settings.layout)):
            yield f"  metadata_filenames: {json.dumps([names[0] for names in files.values()])}"
        yield "  data_files:"
        for split, names in files.items():
            yield f"  - split: {json.dumps(split)}"
            yield f"    path: {json.dumps(names)}"
    yield "---"


def _contents(items: Sequence[Item], rows: Sequence[ManifestRow]) -> Iterator[str]:
    scenes = counted(len({row.scene for row in rows}), "scene")
    yield from ("", f"# {title(rows)}", "")
    yield (
        f"This data set has {counted(len(rows), 'pair')} of a rainy frame and a clean image of the same view. "
        f"They come from {counted(len(items), 'video sequence')} of {scenes}. "
        f"rainclean {__version__} made the clean images from the videos."
    )
    splits = by_split(rows)
    lines = [
        (split, len(own), len({row.scene for row in own}), len({row.sequence for row in own}))
        for split, own in splits.items()
    ]
    yield from ("", *_table(("Split", "Pairs", "Scenes", "Sequences"), lines), "")
    yield f"- Images: 8-bit RGB, {_image_sizes(rows)}."
    shares = sorted(row.rain_share for row in rows)
    yield (
        f"- Rain: {percent(median(shares))} of the pixels in the median pair, "
        f"{percent(shares[0])} to {percent(shares[-1])} in all. A pixel counts if it is more than 6 grey levels "
        "brighter than the clean image."
    )
    for mask, meaning in (
        ("exclude", "exclusion mask (255: do not use this pixel, else 0)"),
        ("confidence", "confidence image (expected error of the clean image)"),
    ):
        number = sum(bool(getattr(row, mask)) for row in rows)
        yield (
            f"- {counted(number, 'pair')} with an {meaning}."
            if mask == "exclude"
            else (f"- {counted(number, 'pair')} with a {meaning}.")
        )


def _previews(names: Iterable[str]) -> Iterator[str]:
    """Yield some animations."""
    animations = sorted(name for name in names if name.endswith(".webp"))
    if animations:
        yield ""
        for name in animations[:_MOST_PREVIEWS]:
            yield from (f"![Rainy frames and clean image]({name})", "")
        yield "The folder `preview` has animations and a contact sheet of each scene. They are no training data."


def _scenes(plan: Plan, rows: Sequence[ManifestRow]) -> Iterator[str]:
    yield from ("", "## Scenes and splits", "")
    shares = ", ".join(f"{split} {share:g}" for split, share in plan.settings.split_shares().items())
    yield (
        "A scene is a place. Several sequences can show one scene. All pairs of a scene are in one split. "
        f"The scenes were drawn with these shares: {shares}; seed {plan.settings.seed}."
    )
    pairs = Counter((row.split, row.scene) for row in rows)
    sequences = {(row.split, row.scene, row.sequence) for row in rows}
    counts = Counter((split, scene) for split, scene, _ in sequences)
    lines = [(scene, split, counts[split, scene], number) for (split, scene), number in pairs.items()]
    yield from ("", *_table(("Scene", "Split", "Sequences", "Pairs"), lines, SEQUENCES))


def _clean_images(plan: Plan, items: Sequence[Item], records: Records) -> Iterator[str]:
    yield from ("", "## Clean images and decisions", "")
    yield (
        "rainclean makes several candidates of a clean image for each sequence. A recipe names how one was made. "
        "A person or an automatic choice accepts one of them."
    )
    recipes: Counter[str] = Counter(item.candidate.name for item in items)
    of_recipe: Counter[str] = Counter()
    for item in items:
        of_recipe[item.candidate.name] += len(records[item.sequence.id])
    usual_first = sorted(recipes.items(), key=lambda each: (-each[1], each[0]))
    lines: list[Sequence[Any]] = [(name, number, of_recipe[name]) for name, number in usual_first]
    yield from ("", *_table(("Recipe", "Sequences", "Pairs"), lines, SEQUENCES), "")
    verdicts = Counter(item.verdict.state if item.verdict else "no verdict" for item in items)
    meanings = {
        "fit": "the clean image can be used",
        "look": "a person should look first",
        "unfit": "the clean image should not be used",
        "no verdict": "an older version analysed the sequence",
    }
    lines = [(state, meaning, verdicts[state]) for state, meaning in meanings.items() if verdicts[state]]
    yield from (*_table(("Verdict of the analysis", "Meaning", "Sequences"), lines), "")
    by = Counter(item.decision.who if item.decision.kind == "person" else "automatic choice" for item in items)
    people = sorted(by.items(), key=lambda each: (each[0] == "automatic choice", -each[1], each[0]))
    yield from _table(("Accepted by", "Sequences"), people, SEQUENCES)
    judged = [item for item in items if item.opinions]
    if judged:
        opinions, agreeing = (sum(getattr(item, name) for item in judged) for name in ("opinions", "agreeing"))
        yield from ("", f"{counted(len(judged), 'sequence')} had second opinions: {agreeing} of {opinions} agree.")
    if plan.agreement:
        lines = [
            (each.one, each.other, each.both, _share(each.same_verdict), _kappa(each.kappa_verdict),
             _share(each.same_candidate), _kappa(each.kappa_choice))
            for each in plan.agreement
        ]  # fmt: skip
        columns = ("One", "Other", "Both judged", "Same verdict", "κ", "Same candidate", "κ")
        yield from ("", "Agreement, with Cohen's κ:", "", *_table(columns, lines, "export.json"))


def _making(plan: Plan, rows: Sequence[ManifestRow], notes: Sequence[str]) -> Iterator[str]:
    settings = plan.settings
    yield from ("", "## How it was made", "")
    yield (
        "Rain moves and the scene does not. rainclean sorts the values of each pixel over many frames and estimates "
        "the value without rain, as proposed by Wang et al. (2019) and with further recipes. Frames of a moving camera "
        "are registered first. A frame makes a pair if it is aligned with the clean image."
    )
    least = settings.crops.smallest_rain_share
    crops = settings.crops.text + (f", with rain on at least {percent(least, 1)} of the pixels" if least else "")
    lines: list[tuple[str, object]] = [
        ("Layout", settings.layout),
        ("Frames", settings.frames.text),
        ("Crops", crops),
        ("Moving things", "kept" if settings.keep_moving else "excluded by masks"),
    ]
    if settings.max_error is not None:
        lines.append(("Excluded pixels", f"expected error above {settings.max_error:g} grey levels"))
    yield from ("", *_table(("Setting", "Value"), lines), "")
    yield "`export.json` has all settings and the versions of the libraries."
    if notes:
        yield from ("", "Notes of the export:", "", *(f"- {_text(note)}" for note in notes))


def _reading(plan: Plan, rows: Sequence[ManifestRow]) -> Iterator[str]:
    chosen = layout(plan.settings.layout)
    files = data_files(chosen, rows)
    yield from ("", "## How to read it", "")
    if files and is_packed(chosen):
        yield from ("With Hugging Face `datasets`:", "")
        in_tar = ".tar/" in rows[0].rainy
        rainy, clean = ("input.png", "target.png") if in_tar else ("rainy", "clean")
        yield from _code(
            "from datasets import load_dataset",
            "",
            "data = load_dataset(FOLDER)  # this folder, or its name on the Hub",
            f'pair = data["{next(iter(files))}"][0]',
            f'rainy, clean = pair["{rainy}"], pair["{clean}"]',
        )
    elif files:
        split = next(iter(files))
        columns = [mask for mask in ("exclude", "confidence") if any(getattr(row, mask) for row in rows)]
        yield from ("With Hugging Face `datasets` 4.0 or later:", "")
        yield from _code(
            "from datasets import load_dataset",
            "",
            "data = load_dataset(FOLDER)  # this folder, or its name on the Hub",
            f'pair = data["{split}"][0]',
            'rainy, clean = pair["rainy"], pair["clean"]',
        )
        for mask in columns:
            yield from ("", f"`{mask}` is a further image, or None.")
    else:
        yield "Hugging Face `datasets` does not read this data set in this layout."
    yield from ("", "With rainclean:", "", *_code("import rainclean as rc", "", "data = rc.read_dataset(FOLDER)"))
    yield from ("", f"The layout is `{chosen.name}`. {_READERS.get(chosen.name, '')}".rstrip(), "")
    yield "- `manifest.csv` has one line per pair: files, scene, frame, crop, recipe, rain, scores, check sums."
    yield f"- `{SEQUENCES}` has one line per sequence: clip, frames, origin, decision, verdict."
    yield f"- `{CREDITS}` has licence, author, source and consent of the sequences."
    yield "- `rainclean check FOLDER` reads every image and compares check sums."
    if any(row.confidence for row in rows):
        yield (
            "- The value of a confidence image is 255 / (1 + (σ/2)²). σ is the expected error of the clean image in "
            "grey levels."
        )


def _rights(credit: Sequence[Credit]) -> Iterator[str]:
    yield from ("", "## Licences and credits", "")
    lines = [
        (each.licence or "not given", each.author or "not given", each.source or "not given",
         each.consent or "not given", len(each.sequences.split()), each.pairs)
        for each in credit
    ]  # fmt: skip
    yield from _table(("Licence", "Author", "Source", "Consent", "Sequences", "Pairs"), lines, CREDITS)
    yield from ("", f"`{CREDITS}` lists the sequences of each line.")


def _citing() -> Iterator[str]:
    yield from ("", "## How to cite", "", "Cite the paper whose method the clean images build on, and rainclean.", "")
    software = [
        "@software{rainclean,",
        "  title   = {rainclean},",
        "  author  = {{The rainclean contributors}},",
        f"  version = {{{__version__}}}",
        "}",
    ]
    yield from _code(*_METHOD.split("\n"), "", *software, language="bibtex")


def _image_sizes(rows: Sequence[ManifestRow]) -> str:
    sizes = sorted({(row.width, row.height) for row in rows})
    if len(sizes) <= 3:
        return " and ".join(f"{width} × {height} px" for width, height in sizes)
    low, high = sizes[0], sizes[-1]
    return f"{len(sizes)} sizes from {low[0]} × {low[1]} px to {high[0]} × {high[1]} px"


def _table(columns: Sequence[str], lines: Iterable[Sequence[Any]], rest: str = "") -> Iterator[str]:
    """Yield a Markdown table; rest: the file that has the lines which are too many."""
    lines = list(lines)
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for line in lines[:_MOST_LINES]:
        yield f"| {' | '.join(_text(cell) for cell in line)} |"
    if len(lines) > _MOST_LINES:
        yield from ("", f"{len(lines) - _MOST_LINES} more are in `{rest or 'export.json'}`.")


def _text(value: object) -> str:
    """Return a value as Markdown that shows it as it is, in one line."""
    return re.sub(r"([\\`*_\[\]<>|#&~$])", r"\\\1", plain(str(value))) if isinstance(value, str) else str(value)


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _kappa(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _code(*lines: str, language: str = "python") -> Iterator[str]:
    yield from (f"```{language}", *lines, "```")
