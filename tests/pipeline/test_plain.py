"""Names and texts that would steer a terminal: they are shown, one line each, and JSON says them as they are."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.text_format import as_json, plain, quoted
from tests.conftest import SAMPLE

NAME = os.fsdecode(b"clip\xff\x1b[31m\n[red]<b>\xe2\x80\xae\xc2\x9b'x.mp4")

posix = pytest.mark.skipif(sys.platform == "win32", reason="names of this kind are POSIX")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Straße  雨天街道 مرحبا 👩‍👧.mp4", None),
        ("a\x1b]0;title\x07b", r"a\x1b]0;title\x07b"),
        ("two\r\n  lines\n", "two lines"),
        ("  set\tright", "  set right"),
        ("cut\rover", "cut over"),
        ("\x9b31m \x7f \u2028 \x85", r"\x9b31m \x7f"),
        ("gpj.\u202eexe \u2066x\u2069 \ufeff\u200b", r"gpj.\u202eexe \u2066x\u2069 \ufeff\u200b"),
        ("\udcff\udc80 \ud800", r"\xff\x80 \ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_text_of_any_origin(text: str, shown: str | None) -> None:
    assert plain(text) == (text if shown is None else shown)
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize("indent", [None, 2])
def test_json_says_the_same_and_steers_nothing(indent: int | None) -> None:
    document = {"name": NAME, "others": ["Straße 雨", "\U000e0041", '\x7f\x85\u2028"\\\n', "\ud800"]}
    text = as_json(document, indent)
    assert json.loads(text) == document
    assert [plain(line) for line in text.split("\n")] == text.split("\n")
    assert "Straße 雨" in text


@posix
def test_a_path_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    for name in (NAME, "plain", "two words", "it's", "a\\b\x1b'"):
        command = ["bash", "-c", f"printf %s {quoted(tmp_path / name)}"]
        assert subprocess.run(command, capture_output=True, check=True).stdout == os.fsencode(tmp_path / name)
        assert plain(quoted(tmp_path / name)) == quoted(tmp_path / name)


@posix
@pytest.mark.parametrize(
    "words",
    [
        ["probe", NAME],
        ["probe", NAME, "--json"],
        ["probe", "bad" + NAME],
        ["clean", "bad" + NAME, "-o", "o" + NAME],
        ["new", "p" + NAME],
        ["status", "no" + NAME],
        ["probe", "one", NAME],
        ["probe", NAME, "--" + NAME],
        ["no" + NAME],
    ],
    ids=lambda words: words[0] + str(len(words)),
)
def test_commands(words: list[str], tmp_path: Path) -> None:
    shutil.copyfile(SAMPLE, tmp_path / NAME)
    (tmp_path / ("bad" + NAME)).write_bytes(b"no film")
    command = [str(Path(sys.executable).with_name("rainclean")), *words]
    environment = {**os.environ, "LANG": "C", "LC_ALL": "C"}
    result = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=120, env=environment)
    assert b"Traceback" not in result.stderr and b"unexpected" not in result.stderr
    for said in (result.stdout, result.stderr):
        lines = said.decode().split("\n")
        assert [plain(line) for line in lines] == [line.rstrip() for line in lines]
    if result.returncode == 1:
        assert result.stderr.count(b"\n") == 1
    if result.returncode == 0 and "--json" in words:
        assert json.loads(result.stdout)["path"] == NAME
