"""From clips to a checked data set through the command."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from pipeline.export.run import export
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.dataset.manifest import ManifestRow, read_manifest
from tests.conftest import ROOT, Run
from tests.pipeline.export.conftest import contents, settings

YARD = ROOT.parent / "shared" / "real" / "yard.mp4"


def done(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.skipif(not YARD.exists(), reason="the real clip of shared/ is not here")
def test_a_real_clip_goes_the_whole_way(tmp_path: Path, rainclean: Run, here: Run) -> None:
    home = tmp_path / "project"
    done(here("new", home))
    assert "added 1 sequence: yard" in done(here("add", home, YARD, "--licence", "CC BY 4.0"))
    assert "analysed 1 sequence" in done(here("analyze", home, "--frames", 40))
    assert "chosen automatically: 1" in done(here("select", home, "--auto"))
    assert "accepted automatically" in done(here("status", home))
    for out, run in (("one", rainclean), ("two", here)):
        done(run("export", home, "-o", tmp_path / out, "--layout", "spa", "--frames", "every:40"))
        assert "nothing wrong" in done(here("check", tmp_path / out))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    rows = read_manifest(tmp_path / "one" / "manifest.csv")
    assert [r.frame for r in rows] == list(range(0, 376, 40))
    assert "nothing wrong" in done(here("check", home))


def test_every_command_speaks_json(made: Path, home: Path, tmp_path: Path, here: Run) -> None:
    assert json.loads(done(here("new", tmp_path / "new", "--json")))["uuid"]
    added = json.loads(done(here("add", tmp_path / "new", made / "place0.mkv", "--json")))
    assert added["sequences"] == ["place0"]
    analysed = json.loads(done(here("analyze", tmp_path / "new", "--recipe", "median", "--json")))
    assert analysed["done"] == ["place0"]
    status = json.loads(done(here("status", home, "--json")))
    assert status["states"] == {"accepted automatically": 4}
    details = json.loads(done(here("status", home, "place1", "--json")))
    assert details["candidates"][0]["name"] == "n24-p50" and Path(details["candidates"][0]["file"]).is_file()
    chosen = json.loads(done(here("select", home, "place1", "--candidate", "n24-p50", "--who", "Ann", "--json")))
    assert (chosen["who"], chosen["kind"]) == ("Ann", "person")
    described = json.loads(done(here("describe", home, "place1", "--scene", "mill", "--json")))
    assert described["sequences"][0]["scene"] == "mill"
    exported = json.loads(done(here("export", home, "-o", tmp_path / "out", "--json")))
    assert sum(exported["pairs"].values()) == 4 * 10
    assert json.loads(done(here("check", tmp_path / "out", "--json")))["problems"] == []
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with (tmp_path / "out" / "README.md").open("a") as readme:
        readme.write("mine")
    checked = json.loads(done(here("check", tmp_path / "out", "--json")))
    assert (checked["problems"], checked["added"], checked["notes"]) == ([], ["notes.txt"], [])
    expected = "; nothing wrong; 1 added file: notes.txt; README.md was changed after the export\n"
    assert done(here("check", tmp_path / "out")).endswith(expected)
    (tmp_path / "out" / "real_world" / "notes.txt").write_text("mine")
    (problem,) = json.loads(here("check", tmp_path / "out", "--json").stdout)["problems"]
    assert (problem["path"], problem["kind"]) == ("real_world/notes.txt", "extra-file")


def test_decisions_by_command(home: Path, here: Run) -> None:
    assert "rejected" in done(here("select", home, "place1", "--reject", "--note", "blurred", "--who", "Ann"))
    shown = done(here("status", home, "place1"))
    assert "rejected" in shown and "by Ann: blurred" in shown and "accepted automatically: n24-p50" in shown
    assert "withdrawn: rejected by Ann" in done(here("select", home, "place1", "--undo"))
    assert "4 decided before" in done(here("select", home, "--auto"))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["select", "HOME", "place0"], 2, "exactly one of --candidate"),
        (["select", "HOME", "--reject"], 2, "no sequence given"),
        (["select", "HOME", "--auto", "--undo"], 2, "exactly one of --candidate"),
        (["select", "HOME", "place0", "--candidate", "n7-vote"], 1, "it has n24-p50"),
        (["select", "HOME", "nowhere", "--reject"], 1, "no sequence 'nowhere'"),
        (["select", "HOME", "place0", "--auto", "--exclude", "m.png"], 2, "needs --candidate"),
        (["select", "HOME", "place0", "--reject", "--exclude", "m.png"], 2, "needs --candidate"),
        (["add", "HOME"], 2, "no clip given"),
        (["add", "HOME", "missing.mp4"], 1, "missing.mp4: no such file"),
        (["add", "MISSING", "clip.mp4"], 1, "rainclean new"),
        (["describe", "HOME", "place0"], 2, "no sequence or no description given"),
        (["analyze", "HOME", "nowhere"], 1, "no sequence 'nowhere'"),
        (["analyze", "HOME", "--recipe", "best", "--again"], 2, "no recipe 'best'"),
        (["export", "HOME", "-o", "out", "--layout", "lmdb"], 2, "use spa, paired, basicsr"),
        (["export", "HOME", "-o", "out", "--frames", "some"], 2, "use all"),
        (["export", "HOME", "-o", "out", "--split", "80/20"], 2, "train=0.8,test=0.2"),
        (["export", "HOME", "-o", "out", "--crops", "grid:9999"], 2, "larger than every clip"),
        (["new", "HOME"], 1, "is a project already"),
        (["check", "HOME/artefacts"], 1, "neither a finished export nor a project"),
        (["check", "MISSING"], 1, "no such folder"),
        (["status", "MISSING"], 1, "no such folder"),
    ],
)
def test_refusals_are_one_line(
    home: Path, tmp_path: Path, here: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made = [w.replace("HOME", str(home)).replace("MISSING", str(tmp_path / "missing")) for w in words]
    result = here(*made)
    assert result.returncode == code and said in result.stderr, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


Damage = Callable[[Path, list[ManifestRow]], object]


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def swap(out: Path, rows: list[ManifestRow]) -> None:
    rainy, clean = out / rows[0].rainy, out / rows[0].clean
    before = rainy.read_bytes()
    rainy.write_bytes(clean.read_bytes())
    clean.write_bytes(before)


def shrink(out: Path, rows: list[ManifestRow]) -> None:
    path = str(out / rows[0].rainy)
    picture = cv2.imread(path)
    assert picture is not None
    cv2.imwrite(path, picture[:-2])


def to_other_split(out: Path, rows: list[ManifestRow]) -> None:
    train = out / "real_world.txt"
    first, rest = train.read_text().split("\n", 1)
    train.write_text(rest)
    edit(out / "real_test_1000.txt", lambda old: old + "".join(f"/{p} " for p in first.split())[:-1].encode() + b"\n")


def other_split_in_manifest(out: Path, rows: list[ManifestRow]) -> None:
    edit(out / "manifest.csv", lambda old: old.replace(b"\ntrain,", b"\ntest,", 1))


def link_out(out: Path, rows: list[ManifestRow]) -> None:
    (out / "sequences.csv").rename(out.parent / "elsewhere.csv")
    (out / "sequences.csv").symlink_to(out.parent / "elsewhere.csv")


DAMAGE: dict[str, tuple[Damage, str]] = {
    "missing file": (lambda out, rows: (out / rows[0].clean).unlink(), "is missing"),
    "extra file": (lambda out, rows: (out / "real_world" / "index.db").write_text("x"), "not in the manifest"),
    "changed byte": (
        lambda out, rows: edit(out / rows[0].rainy, lambda old: old[:-20] + bytes([old[-20] ^ 1]) + old[-19:]),
        "damaged PNG|was changed",
    ),
    "swapped pair": (swap, "swapped"),
    "wrong size": (shrink, "px, not 72x56"),
    "scene on both sides, by the list": (to_other_split, "is read as test"),
    "scene on both sides, by the manifest": (other_split_in_manifest, "is in splits"),
    "list without last newline": (lambda out, rows: edit(out / "real_world.txt", lambda old: old[:-1]), "newline"),
    "changed sequences": (lambda out, rows: edit(out / "sequences.csv", lambda old: old + b"x\n"), "was changed"),
    "missing manifest": (lambda out, rows: (out / "manifest.csv").unlink(), "No such file"),
    "missing report": (lambda out, rows: (out / "export.json").unlink(), "no export.json"),
    "changed report": (
        lambda out, rows: edit(out / "export.json", lambda old: old.replace(b'"seed": 0', b'"seed": 1')),
        "export.json: was changed",
    ),
    "unknown split": (
        lambda out, rows: edit(out / "manifest.csv", lambda old: old.replace(b"\ntrain,", b"\nfoo,", 1)),
        "layout spa does not have",
    ),
    "a link that leads out": (link_out, "leads out of the data set"),
}


@pytest.fixture(scope="module")
def exported(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound export; copy it, do not change it."""
    out = tmp_path_factory.mktemp("exported") / "out"
    with Project(made / "project") as project:
        finish(export(project, settings(), out))
    return out


@pytest.mark.parametrize("kind", DAMAGE)
def test_check_names_each_kind_of_damage(tmp_path: Path, exported: Path, here: Run, kind: str) -> None:
    import re

    out = Path(shutil.copytree(exported, tmp_path / "out"))
    damage, said = DAMAGE[kind]
    damage(out, read_manifest(out / "manifest.csv"))
    result = here("check", out)
    assert result.returncode == 1
    told = (result.stdout + result.stderr).splitlines()
    assert any(re.search(said, line) for line in told), told
    several = ("scene on both sides, by the manifest", "scene on both sides, by the list", "unknown split")
    if kind not in several:
        assert len(result.stdout.splitlines()) <= 1, told  # one thing is wrong, one line says so


def test_check_finds_what_is_wrong_with_a_project(home: Path, here: Run) -> None:
    picture = next(iter(sorted((home / "artefacts").rglob("*.png"))))
    edit(picture, lambda old: old[:-1] + b"x")
    result = here("check", home)
    assert result.returncode == 1 and result.stdout.count("\n") == 1 and "its bytes have changed" in result.stdout


def test_status_needs_no_numpy_and_few_queries(home: Path, made: Path) -> None:
    """What makes `status` on 1 000 sequences answer at once: nothing heavy is loaded, nothing asked per sequence."""
    from pipeline.project.clips.sequence_records import sequences
    from pipeline.project.overview import overview
    from pipeline.project.storage.database import Project

    script = (
        "import sys\nfrom pipeline.cli.main import main\n"
        f"main(['status', {str(home)!r}])\n"
        "print('LOADED', [m for m in ('numpy', 'cv2', 'av', 'numba', 'rich.table') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "LOADED []" in result.stdout, result.stdout + result.stderr
    with Project(home) as project:
        asked: list[str] = []
        project._connection._db.set_trace_callback(asked.append)
        overview(project, [s.name for s in sequences(project)[:1]])
        one = len(asked)
        asked.clear()
        overview(project)
        assert len(asked) == one - 1 <= 6
