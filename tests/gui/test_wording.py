"""Messages of commands name what the window has in place of a command line."""

from pathlib import Path

import pytest

from gui.command_buttons import in_window
from gui.main_window.window import Window
from pipeline.project.storage.database import Project
from rainclean.errors import InputError


def test_a_folder_that_is_no_project_leads_to_the_menu(tmp_path: Path) -> None:
    folder = tmp_path / "some rain"
    folder.mkdir()
    with pytest.raises(InputError) as error:
        Project(folder)
    assert "rainclean new" in str(error.value)
    assert in_window(str(error.value)).endswith("New project (Ctrl+N)")


def test_the_status_bar_leads_to_a_button(window: Window) -> None:
    window.session.warning.emit("/rain/project.sqlite: is missing; rainclean restore '/my rain' brings it back")
    shown = window.statusBar().currentMessage()
    assert shown == "⚠ /rain/project.sqlite: is missing; Restore on the start page brings it back"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat: is not analysed yet; run rainclean analyze /rain cat 2", "Analyse new sequences (Ctrl+R)"),
        ("cat: is not analysed yet; run rainclean analyze on it", "Analyse new sequences (Ctrl+R)"),
        ("/a.mp4: is gone; give its new place: rainclean find /rain FILE-OR-FOLDER", "Find… on the page Home (Ctrl+0)"),
        ("choose with: rainclean select /rain SEQUENCE --candidate NAME", "choose with: Accept (A)"),
        ("choose with: rainclean select /rain SEQUENCE --candidate NAME, or --auto", "or Choose automatically"),
        ("withdraw it with: rainclean select '/my rain' cat-2 --undo", "withdraw it with: Withdraw (U)"),
        ("no licence is given (rainclean describe --licence) for cat", "(set it in Properties) for cat"),
        ("/x: is not a run of rainclean train", "is not the folder of a training"),
        ("frames '7': use all, every:5", "“7” is no choice of frames: use all, every:5"),
    ],
)
def test_commands_with_a_button_are_replaced(text: str, expected: str) -> None:
    assert in_window(text).endswith(expected) and "rainclean" not in in_window(text)


@pytest.mark.parametrize("text", ["run rainclean analyze --again", "rainclean analyze /rain --again makes them"])
def test_commands_without_a_button_stay(text: str) -> None:
    assert in_window(text) == text
