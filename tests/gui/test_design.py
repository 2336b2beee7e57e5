"""The design: neutral greys, contrasts of WCAG AA, an icon for each name that is asked for."""

from dataclasses import asdict
from itertools import product

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon

from gui.design import DARK, LIGHT, Colours, colours, icon, icon_names, set_scheme, window_icon
from tests.gui.conftest import Open

GREYS = ("window", "panel", "raised", "hover", "line", "edge", "text", "faint", "disabled")
GROUNDS = ("window", "panel", "raised")


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", [DARK, LIGHT], ids=["dark", "light"])
def test_colours_can_be_told_apart(scheme: Colours) -> None:
    values = asdict(scheme)
    for grey in GREYS:
        red, green, blue = QColor(values[grey]).getRgb()[:3]  # type: ignore[index]
        assert red == green == blue, grey
    for name, ground in product(("text", "faint", "link", "good", "warn", "bad", "busy"), GROUNDS):
        assert contrast(values[name], values[ground]) >= 4.5, (name, ground)
    assert contrast(scheme.on_accent, scheme.accent) >= 4.5
    assert contrast(scheme.text, scheme.hover) >= 4.5
    for name, ground in product(("edge", "link"), GROUNDS):
        assert contrast(values[name], values[ground]) >= 3, (name, ground)
    assert min(contrast(scheme.accent, ground) for ground in (scheme.window, scheme.panel)) >= 3


def test_icons_follow_the_scheme(open_window: Open) -> None:
    window = open_window(None)
    inks = []
    for scheme in ("dark", "light"):
        set_scheme(scheme)
        assert colours() is (DARK if scheme == "dark" else LIGHT)
        picture = icon("accept").pixmap(QSize(48, 48)).toImage()
        inks.append({picture.pixelColor(x, y).name() for x in range(48) for y in range(48)
                     if picture.pixelColor(x, y).alpha() == 255})  # fmt: skip
        assert colours().text in inks[-1]
    assert inks[0] != inks[1]
    set_scheme("dark")
    assert all(not icon(name).pixmap(QSize(18, 18)).toImage().isNull() for name in icon_names())
    assert not window_icon().isNull() and not window.windowIcon().isNull()


def test_every_icon_draws_something(open_window: Open) -> None:
    open_window(None)
    for name in icon_names():
        picture = icon(name).pixmap(QSize(24, 24), QIcon.Mode.Normal).toImage()
        assert any(picture.pixelColor(x, y).alpha() > 100 for x in range(24) for y in range(24)), name
