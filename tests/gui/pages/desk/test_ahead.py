"""What the desk prepares while a person looks: the first pictures of the next sequence to decide on."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gui.compare.kinds import U8

if TYPE_CHECKING:
    import pytest
    from pytestqt.qtbot import QtBot

    from gui.main_window.window import Window


def test_the_first_pictures_of_the_next_undecided_sequence_are_scaled_ahead(
    window: "Window", qtbot: "QtBot", monkeypatch: "pytest.MonkeyPatch"
) -> None:
    session, view = window.session, window.desk.view
    following = session.following
    assert following is not None
    row = session.summaries[following]
    scaled: list[U8] = []
    kept: list[bool] = []

    def scaling(picture: U8) -> Callable[[], U8]:
        scaled.append(picture)
        return lambda: picture

    monkeypatch.setattr(view, "scaling", scaling)
    monkeypatch.setattr(view, "keep_scaled", lambda picture, result: kept.append(picture is result))
    window.desk.show_pictures()
    qtbot.waitUntil(lambda: len(kept) >= 2)
    expected = [session.pictures.peek(name) for name in (row.thumbnail, row.picture)]
    assert all(any(picture is one for one in scaled) for picture in expected) and all(kept)
    session.accept()
    assert session.selected == following
    left, right = window.desk.shown_left, window.desk.shown_right
    assert left is expected[0] and right is expected[1]


def test_parts_that_the_first_image_does_not_need_are_made_when_they_are_shown(window: "Window") -> None:
    assert set(window.pages.made_pages) == {"desk"}
    assert window.pages.current == "desk"
    window.commands["home"].trigger()
    assert window.home.isVisible() and "jobs" not in window.pages.made_pages
    window.commands["jobs"].trigger()
    assert window.jobs_panel.isVisible()
