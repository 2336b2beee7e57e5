"""The command line around the commands: names, help, exit codes, one line for what goes wrong."""

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from pipeline.cli.flags import flags_of
from pipeline.cli.main import main
from pipeline.cli.values import parse_bytes
from rainclean import __version__
from rainclean.errors import RaincleanError
from tests.conftest import SAMPLE, Run


def test_overview_names_every_command(rainclean: Run) -> None:
    result = rainclean("--help")
    assert result.returncode == 0
    for name in ("probe", "clean", "demo", "bench truth"):
        assert f"  {name} " in result.stdout


def test_a_group_lists_its_commands(rainclean: Run) -> None:
    assert rainclean("bench").returncode == 2
    assert rainclean().returncode == 2
    result = rainclean("bench", "--help")
    assert result.returncode == 0
    assert "bench truth" in result.stdout and "probe" not in result.stdout


COMMANDS = sorted(entry.name for entry in entry_points(group="rainclean.commands"))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_tells_of_no_value_that_a_person_could_not_give(name: str, here: Run) -> None:
    result = here(*name.split("."), "--help")
    assert result.returncode == 0 and "None" not in result.stdout and "default: False" not in result.stdout
    # The table of flags, for completion and suggestions, is that of the parser.
    own = result.stdout.partition("Every command also takes")[0].partition("Settings can be kept")[0]
    shown = set(re.findall(r"^[│ ] (?:-\w[^-]*, )?(--[a-z][a-z-]+)", own, re.MULTILINE))
    (entry,) = entry_points(group="rainclean.commands", name=name)
    assert {flag.name for flag in flags_of(entry.load())} == shown - {"--help"}


def test_summaries_are_whole_sentences(here: Run) -> None:
    summaries = re.split(r"^  \S.{17}", here("--help").stdout, flags=re.MULTILINE)[1:]
    assert len(summaries) == len(COMMANDS)
    assert all(re.search(r"\.\s*$", text.partition("\n\n")[0]) for text in summaries)
    assert max(map(len, here("--help").stdout.splitlines())) <= 100


def test_version(rainclean: Run) -> None:
    assert rainclean("--version").stdout == f"rainclean {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["clena"],
        ["bench", "spatial"],
        ["clean"],
        ["clean", "x.mp4"],
        ["clean", "x.mp4", "-o", "y", "--frames", "many"],
        ["evaluate", "set", "-o", "y", "-w", "one.safetensors", "-w", "other.safetensors"],
    ],
)
def test_wrong_usage_exits_with_2(here: Run, words: list[str]) -> None:
    result = here(*words)
    assert result.returncode == 2
    assert result.stderr and "Traceback" not in result.stderr
    assert result.stdout == ""


def test_an_unexpected_error_is_one_line_that_says_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(self: object) -> None:
        raise ZeroDivisionError("three\nlines\nlong")

    monkeypatch.setattr("pipeline.cli.probe.Probe.run", broken)
    monkeypatch.delenv("RAINCLEAN_DEBUG", raising=False)
    assert main(["probe", "x"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "ZeroDivisionError: three lines long" in said and "RAINCLEAN_DEBUG" in said
    monkeypatch.setenv("RAINCLEAN_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["probe", "x"])


@pytest.mark.skipif(os.name == "nt", reason="links and bytes of names are POSIX")
def test_links_in_a_circle_and_names_that_are_no_text_are_told_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RAINCLEAN_DEBUG", raising=False)
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    assert main(["new", str(circle)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "unexpected" not in said and str(circle) in said
    assert main(["new", str(tmp_path / "project")]) == 0
    capsys.readouterr()
    assert main(["batch", str(tmp_path / "project"), "\udcff"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "bytes that are not UTF-8" in said


@pytest.mark.skipif(os.name == "nt", reason="pipes of this kind are POSIX")
def test_a_reader_that_goes_away_is_no_traceback() -> None:
    command = f"{sys.executable} -c 'from pipeline.cli.main import main; main()' --help | true"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="shell redirections of POSIX")
@pytest.mark.parametrize(("redirection", "code"), [(">&-", 0), ("2>&-", 0), (">/dev/full", 1), ("2>/dev/full", 0)])
def test_outputs_that_cannot_be_written_to(redirection: str, code: int) -> None:
    command = f"{Path(sys.executable).with_name('rainclean')} --help {redirection}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert result.returncode == code
    assert "Traceback" not in result.stderr and "unexpected" not in result.stderr
    if code:
        assert "No space left" in result.stderr and result.stderr.count("\n") == 1


def test_an_output_that_knows_no_greek_gets_question_marks(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [str(Path(sys.executable).with_name("rainclean")), "clean", str(SAMPLE), "-o", str(tmp_path / "out")]
    result = subprocess.run([*command, "--frames", "12"], capture_output=True, text=True, timeout=120, env=environment)
    assert result.returncode == 0 and "?*" in result.stdout


@pytest.mark.parametrize(
    ("text", "count"), [("1GiB", 1 << 30), ("512M", 512 << 20), ("1.5 g", 3 << 29), ("2048", 2048), ("10KB", 10240)]
)
def test_amounts_of_memory(text: str, count: int) -> None:
    assert parse_bytes(text, "--memory") == count


@pytest.mark.parametrize("text", ["", "much", "-1G", "1X", "1 GiB more"])
def test_wrong_amounts_of_memory(text: str) -> None:
    with pytest.raises(RaincleanError, match="--memory"):
        parse_bytes(text, "--memory")
