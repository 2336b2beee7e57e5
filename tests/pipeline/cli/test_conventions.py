"""What all commands have in common: JSON with errors, exit codes, -v, -q, --log-file, completion, rainclean.toml."""

import json
import re
import subprocess
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from pipeline.cli.console import fail_for_parts, follow, print_json, print_note, print_text
from pipeline.cli.flags import flags_of
from pipeline.cli.main import Program, main
from pipeline.cli.settings_file import with_settings
from pipeline.stages import Progress
from pipeline.text_format import counted
from rainclean.environment import CONFIG, VARIABLES
from rainclean.errors import InputError, UsageError
from tests.conftest import ROOT, Run
from tests.helpers.rainy_clips import rainy_clip

COMMANDS = {entry.name: entry for entry in entry_points(group="rainclean.commands")}


@dataclass(frozen=True)
class Parts:
    """Fail for some of four parts."""

    failed: int = 0
    json: bool = False

    def run(self) -> None:
        def stage() -> "object":
            yield Progress("count", 1, 2)
            yield Progress("count", 2, 2, note="half\x1b way")
            yield Progress("sum", 1, 3)

        follow(stage())  # type: ignore[arg-type]
        print_note("note: four parts")
        if self.json:
            print_json({"parts": 4})
        else:
            print_text(counted(4 - self.failed, "part"))
        fail_for_parts([f"part {n}: broken" for n in range(self.failed)], 4, "parts failed")


PROGRAM = Program("try", "Try.", (EntryPoint("parts", f"{__name__}:Parts", ""),))


@pytest.mark.parametrize(("failed", "code"), [(0, 0), (1, 3), (3, 3), (4, 1)])
def test_exit_code_3_means_that_some_failed(failed: int, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parts", "--failed", str(failed)], PROGRAM) == code
    out, err = capsys.readouterr()
    assert out == f"{counted(4 - failed, 'part')}\n" and err.count("failed: ") == failed
    assert main(["parts", "--failed", str(failed), "--json"], PROGRAM) == code
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["parts"]) == (1, 4)
    assert document.get("error", {}).get("kind") == {0: None, 3: "parts", 1: "failed"}[code]


def test_an_error_is_an_object_where_json_was_asked_for(here: Run, tmp_path: Path) -> None:
    result = here("status", tmp_path / "none", "--json")
    error = json.loads(result.stdout)["error"]
    assert result.returncode == 1 and result.stderr == f"rainclean: {error['text']}\n"
    assert (error["kind"], error["path"]) == ("input", str(tmp_path / "none"))
    assert error["advice"] and error["text"] == f"{error['path']}: no such folder; {error['advice']}"
    for words, kind in (
        (["clean", "x", "--json"], "usage"),
        (["train", "--json"], "usage"),
        (["train", "d", "-o", "r", "--steps", "many", "--json"], "usage"),
        (["evaluate", "d", "-o", "r", "--dveice", "cpu", "--json"], "usage"),
    ):
        result = here(*words)
        document = json.loads(result.stdout)
        assert (result.returncode, document["schema"], document["error"]["kind"]) == (2, 1, kind)
        assert not re.search("[╭│]", document["error"]["text"]) and document["error"]["path"] is None


def test_an_unexpected_error_is_an_object_too(here: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(self: object) -> None:
        raise ZeroDivisionError("three\nlines")

    monkeypatch.setattr("pipeline.cli.probe.Probe.run", broken)
    log = tmp_path / "log"
    error = json.loads(here("probe", "x", "--json", "--log-file", log).stdout)["error"]
    assert error["kind"] == "unexpected" and "ZeroDivisionError: three lines" in error["text"]
    assert "Traceback" in log.read_text() and "in broken" in log.read_text()


def test_an_interrupted_command_says_so_in_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(self: object) -> None:
        print_json({"parts": 1})
        raise KeyboardInterrupt

    monkeypatch.setattr(Parts, "run", interrupted)
    assert main(["parts", "--json"], PROGRAM) == 130
    document = json.loads(capsys.readouterr().out)
    assert (document["parts"], document["error"]["kind"]) == (1, "interrupted")


def test_what_is_not_printed_is_in_the_log(here: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    assert main(["parts", "--failed", "1", "-q", f"--log-file={log}"], PROGRAM) == 3
    out, err = capsys.readouterr()
    assert out == "3 parts\n" and err == "failed: part 0: broken\nrainclean: 1 of 4 parts failed; the others are done\n"
    assert main(["-v", "--log-file", str(log), "parts"], PROGRAM) == 0
    err = capsys.readouterr().err
    assert re.search(r"^\[\d+\.\d\d s\] count: 2 done in \d+\.\d\d s$", err, re.MULTILINE)
    assert re.search(r"^\[\d+\.\d\d s\] sum: 1 of 3 done in ", err, re.MULTILINE) and "note: four parts" in err
    lines = log.read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} INFO ", line) for line in lines)
    assert sum("note: four parts" in line for line in lines) == 2 and "\x1b" not in log.read_text()
    assert "1 of 4 parts failed" in log.read_text()


def test_common_flags_that_are_wrong(here: Run, tmp_path: Path) -> None:
    for words in (["-v", "-q", "probe", "x"], ["probe", "x", "--log-file"], ["--log-file=", "probe", "x"]):
        assert here(*words).returncode == 2
    result = here("probe", "x", "--log-file", tmp_path)
    assert result.returncode == 1 and f"{tmp_path}: cannot be written: Is a directory" in result.stderr
    assert "-q, --quiet" in here("status", "--help").stdout


def test_v_says_what_is_read_and_written(here: Run, tmp_path: Path) -> None:
    clip, home = rainy_clip(tmp_path / "mill.mkv", 3), tmp_path / "home"
    here("new", home)
    said = here("-v", "add", home, clip).stderr
    assert f"opened the project {home}" in said and f"opened {clip}: " in said


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [
        ("anaylze x", "no command 'anaylze': did you mean analyze?"),
        ("bench trth", "no command 'bench trth': did you mean bench truth?"),
        ("decisions", "usage: rainclean decisions COMMAND"),
        ("export --layuot spa p", "rainclean export has no flag --layuot: did you mean --layout?"),
        ("bench truth --save_ x", "rainclean bench truth has no flag --save-: did you mean --save?"),
        ("xyz", "no command 'xyz'; rainclean --help lists all commands"),
        ("status p --xyzzy", "rainclean status has no flag --xyzzy; rainclean status --help lists all flags"),
    ],
)
def test_a_mistyped_name_gets_a_suggestion(here: Run, words: str, suggestion: str) -> None:
    result = here(*words.split())
    assert result.returncode == 2 and suggestion in result.stderr


def test_bash_completes(here: Run, tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(here("completion", "bash").stdout)
    asked = {
        "rainclean ana": "analyze",
        "rainclean bench ": "scale truth",
        "rainclean decisions ex": "export",
        "rainclean -v --log-file x exp": "export",
        "rainclean export home --la": "--layout",
        "rainclean train data --preset ": "paper released quick",
        "rainclean train data --con": "--config",
        "rainclean export ho": "",
        "rainclean completion z": "zsh",
    }
    lines = [f"source {script}"]
    for typed in asked:
        words = " ".join(f"'{word}'" for word in typed.split(" "))
        lines.append(f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _rainclean")
        lines.append('echo "${COMPREPLY[*]}"')
    result = subprocess.run(["bash", "-uc", "\n".join(lines)], capture_output=True, text=True, timeout=60)
    assert result.stderr == "" and result.stdout.splitlines() == list(asked.values())


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_every_command_and_flag(shell: str, here: Run) -> None:
    script = here("completion", shell).stdout
    for name, entry in COMMANDS.items():
        assert name.split(".")[-1] in script
        for flag in flags_of(entry.load()):
            assert flag.name in script or f"-l {flag.name[2:]}" in script


def test_settings_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CONFIG, raising=False)
    monkeypatch.chdir(tmp_path)
    export, train = COMMANDS["export"].load(), COMMANDS["train"].load()
    assert with_settings("export", export, ["p"]) == ["p"]
    text = '[export]\nlayout = "paired"\nmin_rain = 0.1\npreview = true\n[train]\nsteps = 5\nthreads = 1\n'
    Path("rainclean.toml").write_text(text)
    added = ["--layout=paired", "--min-rain=0.1", "--preview"]
    assert with_settings("export", export, ["p"]) == ["p", *added]
    assert with_settings("export", export, ["--min-rain", "0", "--", "p"]) == [
        "--min-rain", "0", "--layout=paired", "--preview", "--", "p",
    ]  # fmt: skip
    assert with_settings("train", train, ["d"]) == ["d", "--steps=5", "--threads=1"]
    assert with_settings("train", train, ["--resume", "r"]) == ["--resume", "r", "--threads=1"]
    Path("other.toml").write_text("")
    assert with_settings("export", export, ["p", "--config", "other.toml"]) == ["p"]
    monkeypatch.setenv(CONFIG, "")
    assert with_settings("export", export, ["p"]) == ["p"]
    for words in (["--config"], ["--config", "--preview"]):
        with pytest.raises(UsageError, match="--config: name a file"):
            with_settings("export", export, words)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[export]\nlayuot = "spa"', "[export] has no setting layuot: did you mean layout?"),
        ("[exprot]\nseed = 1", "has no table [exprot]: did you mean export?"),
        ("export = 1", "export is no table"),
        ("[export]\njson = true", "[export] has no setting json"),
        ("[export]\npreview = 1", "[export] preview: 1 is neither true nor false"),
        ("[export]\nseed = {a = 1}", "[export] seed: {'a': 1} is neither text nor a number"),
        ("[export", "is no TOML"),
        ("\udcff", "is no TOML"),
    ],
)
def test_a_wrong_settings_file_is_one_line(text: str, said: str, here: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, errors="surrogateescape")
    result = here("export", tmp_path / "home", "-o", tmp_path / "out", "--config", file)
    assert result.returncode == 1 and result.stderr.startswith(f"rainclean: {file}: {said}")
    assert result.stderr.count("\n") == 1


def test_choices_of_a_settings_file_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[train]\npreset = "papr"')
    with pytest.raises(InputError, match=r"\[train\] preset: papr is none of paper, released, quick"):
        with_settings("train", COMMANDS["train"].load(), ["--config", str(file)])


def test_many_clips_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.cli.add import LISTED, _print
    from pipeline.project.clips import Added

    names = [f"clip{n}" for n in range(LISTED)]
    result = Added(sequences=names, known=[f"{name}: is known" for name in [*names, "more"]])
    _print(result)
    assert capsys.readouterr().out.splitlines() == [
        f"added {LISTED} sequences: {', '.join(names)}", f"{LISTED + 1} clips in the project already"
    ]  # fmt: skip
    _print(replace(result, sequences=[*names, "more"]))
    assert capsys.readouterr().out.startswith(f"added {LISTED + 1} sequences\n")


def test_every_environment_variable_is_in_the_table() -> None:
    names = {variable.name for variable in VARIABLES}
    used = set[str]()
    for folder in ("rainclean", "pipeline", "gui", "docs"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".md") and path.name != "environment.py":
                text = path.read_text(encoding="utf-8")
                used |= set(re.findall(r"RAINCLEAN_[A-Z_]+|NO_COLOR", text))
                if path.suffix == ".py":
                    used |= set(re.findall(r"environ(?:\.get\(|\[)\"(\w+)\"", text))
    assert used - names <= {"RAINCLEAN_KILLS"}  # of slow tests alone
    guide = (ROOT / "docs" / "user-guide.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", guide, re.MULTILINE)
    assert rows == [tuple(variable) for variable in VARIABLES]
