"""Data sets of other people: every pair by names that are known, by a rule, and by a list."""

import pickle
from pathlib import Path

import pytest

from rainclean.dataset.pairing import Pairing, split_of
from rainclean.dataset.reader import Dataset, read_dataset
from rainclean.dataset.rules import Rule
from rainclean.environment import CACHE
from rainclean.errors import InputError, UsageError
from tests.helpers.foreign_sets import REPLICAS, Known, write_replica


def known(data: Dataset) -> set[Known]:
    def name(path: Path) -> str:
        return path.relative_to(data.root).as_posix()

    return {Known(name(pair.rainy), name(pair.clean), pair.split, pair.scene) for pair in data.pairs}


@pytest.fixture(autouse=True)
def no_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path_factory.mktemp("cache")))


@pytest.mark.parametrize("name", REPLICAS)
def test_every_pair_of_a_known_data_set_is_found(name: str, tmp_path: Path) -> None:
    data = read_dataset(write_replica(tmp_path, name, side=16))
    assert known(data) == set(REPLICAS[name]) and len(data.pairs) == len(REPLICAS[name])
    assert set(data.splits) == {pair.split for pair in REPLICAS[name]}


def test_a_rainy_picture_without_its_clean_one_is_refused_by_name(tmp_path: Path) -> None:
    write_replica(tmp_path, "Rain13K", side=16)
    (tmp_path / "test/Test100/target/2.png").unlink()
    with pytest.raises(InputError, match=r"Test100/input/2\.png: has no clean image test/Test100/target/2"):
        read_dataset(tmp_path)
    # A folder without any clean picture is no part of the data set.
    (tmp_path / "test/Test100/target/1.png").unlink()
    assert len(read_dataset(tmp_path).pairs) == len(REPLICAS["Rain13K"]) - 2


def test_the_partner_that_lacks_is_named_as_the_others_are(tmp_path: Path) -> None:
    root = write_replica(tmp_path, "LHP-Rain", side=16)
    (root / "train/gt/0002.png").unlink()
    with pytest.raises(InputError, match=r"train/input/0002\.png: has no partner train/gt/0002\.png"):
        read_dataset(root)


def test_a_list_that_names_some_pictures_leaves_the_others_out(tmp_path: Path) -> None:
    write_replica(tmp_path, "SPA-Data", side=16)
    lines = (tmp_path / "real_world.txt").read_text().splitlines(keepends=True)
    (tmp_path / "real_world.txt").write_text("".join(lines[:5]))
    assert len(read_dataset(tmp_path).split("train")) == 5


RULES = {
    "rain/*.png norain/{stem}.png": ("rain/a.png", "norain/a.png"),
    "rain/rain-*.* norain/norain-{1}.*": ("rain/rain-7.jpg", "norain/norain-7.png"),
    "**/rainy/*_*.* {1}/gt/{2}.*": ("x/y/rainy/9_14.jpg", "x/y/gt/9.jpg"),
    "*/rain/*.* {dir}/../clean/{stem}.*": ("x/rain/1.png", "x/clean/1.PNG"),
    "**/*-R-*.png {dir}/{2}-C-000.png": ("s/cam-R-012.png", "s/cam-C-000.png"),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_the_pairs(rule: str, tmp_path: Path) -> None:
    for name in (*RULES[rule], "other/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    rainy, clean = rule.split()
    (pair,) = read_dataset(tmp_path, Pairing(rainy=rainy, clean=clean)).pairs
    names = tuple(path.relative_to(tmp_path).as_posix() for path in (pair.rainy, pair.clean))
    assert names == RULES[rule] and pair.split == "all"


@pytest.mark.parametrize(
    ("rainy", "clean", "said"),
    [
        ("rain/*.png", "norain/{2}.png", "{2} stands for nothing in rain/*.png; use {dir}, {stem}, {1}"),
        ("rain/?.png", "norain/{stem}.png", "there are no other wildcards"),
        ("rain/**.png", "norain/{stem}.png", "there are no other wildcards"),
        ("/rain/*.png", "norain/{stem}.png", "a pattern below the folder"),
        ("rain/*.png", "norain/1.png", "names one image for all"),
        ("rain/*.png", "norain/{stem.png", "a brace has no partner"),
    ],
)
def test_a_rule_that_means_nothing_says_what_does(rainy: str, clean: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_dataset(tmp_path, Pairing(rainy=rainy, clean=clean))
    assert said in str(caught.value)


def test_a_rule_never_leads_out_of_the_data_set(tmp_path: Path) -> None:
    for name in ("data/rain/1.png", "1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match="has no clean image"):
        read_dataset(tmp_path / "data", Pairing(rainy="rain/*.png", clean="../{stem}.png"))


def test_flags_that_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="--clean is missing"):
        Pairing(rainy="*.png")
    with pytest.raises(UsageError, match="leave out --rainy"):
        Pairing(rainy="*.png", clean="{stem}.jpg", pairs=Path("a.csv"))
    both = Pairing(pairs=Path("/x/a.csv"))
    assert Pairing.from_json(both.to_json()) == both and Pairing.from_json({}) == Pairing()


def test_a_list_of_pairs(tmp_path: Path) -> None:
    write_replica(tmp_path / "data", "bare folders", side=16)
    lists = tmp_path / "data" / "lists"
    lists.mkdir()
    text = "\ufeffsplit,rainy,clean,note\r\ntraining,../pictures/input/a.png,../pictures/target/a.png,x\r\n"
    last = f',"{tmp_path}/data/pictures/input/b.png",../pictures/target/a.png,y'
    (lists / "one.csv").write_text(text + last, encoding="utf-8", newline="")
    data = read_dataset(tmp_path / "data", Pairing(pairs=lists / "one.csv"))
    assert [(pair.stem, pair.clean.name, pair.split) for pair in data.pairs] == [
        ("a", "a.png", "train"), ("b", "a.png", "all"),
    ]  # fmt: skip
    assert data.layout == "list"
    wanted = "rainy,clean,scene\npictures/input/a.png,pictures/target/a.png,place\n"
    (tmp_path / "data" / "pairs.csv").write_text(wanted)
    (pair,) = read_dataset(tmp_path / "data").pairs
    assert pair.scene == "place"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rain,clean\n", "has no columns rainy and clean in line 1"),
        ("rainy,clean\n", "names no pair"),
        ("rainy,clean\npictures/input/a.png,\n", "line 2 has no clean image"),
        ("rainy,clean\npictures/input/a.png,gone.png\n", "line 2 names gone.png, which is missing"),
        ("rainy,clean\n../a.png,pictures/target/a.png\n", "line 2 names ../a.png, which is outside"),
        ("rainy,clean,split\npictures/input/a.png,pictures/target/a.png,dev\n", "split dev is not train, val or test"),
        ('rainy,clean\n"pictures', "line 2"),
    ],
)
def test_a_list_that_is_wrong_says_where(text: str, said: str, tmp_path: Path) -> None:
    write_replica(tmp_path, "bare folders", side=16)
    (tmp_path / "my.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path, Pairing(pairs=tmp_path / "my.csv"))
    assert said in str(caught.value)


def test_splits_are_told_by_folders() -> None:
    told = {"GT-RAIN_train/x": "train", "RainTrainH": "train", "a/validation/b": "val", "testing/train": "test"}
    assert {folder: split_of(folder) for folder in told} == told
    assert {split_of(each) for each in ("", "Rain100L/rain", "latest", "trainer")} == {"all"}


def test_a_rule_takes_as_much_as_it_can_from_the_left() -> None:
    rule = Rule("**/a/*-*.png", "x/{2}/{3}.png", scene="{1}")
    groups = rule.folder("p/q/a")
    assert groups == ("p/q",)
    match = rule.match("p/q/a", groups, "1-2-3.png")
    assert match is not None and rule.wanted(match) == "x/1-2/3.png" and rule.scene_of(match) == "p/q"
    assert rule.folder("p/q/b") is None and rule.match("a", ("",), "1.png") is None


def test_tables_of_pairs_cross_processes_and_are_sequences(tmp_path: Path) -> None:
    pairs = read_dataset(write_replica(tmp_path, "DDN", side=16)).pairs
    again = pickle.loads(pickle.dumps(pairs.of_split("test")))
    assert again == pairs.of_split("test") and len(again) == 2 and again[-1] == pairs[1]
    assert pairs[1:3][0] == pairs[1] and list(pairs[:2]) == [pairs[0], pairs[1]]
    assert pairs.of_scenes({"training/2"}) == [pair for pair in pairs if pair.scene == "training/2"]
