"""The colours of the window, dark and light.

Greys are neutral (red = green = blue): a tinted surround would tint the judgement of the picture in it. Around pictures
it is middle grey in both schemes (`gui.compare.canvas.SURROUND`). There is one
accent. Text has a contrast of at least 4.5 : 1 on every ground it is drawn on, lines of controls at least 3 : 1
(WCAG 2.2, AA).
"""

from dataclasses import dataclass

from PySide6.QtGui import QColor, QGuiApplication, QPalette


@dataclass(frozen=True, kw_only=True)
class Colours:
    """Colours of one scheme, ``#rrggbb``.

    Attributes:
        window: Ground of the window.
        panel: Ground of lists, fields and cards.
        raised: Ground of buttons.
        hover: Ground of what is under the pointer.
        line: Line between panels, decorative.
        edge: Outline of fields and buttons.
        text: Text.
        faint: Secondary text.
        disabled: Text of what cannot be used now.
        accent: Selection, focus, the one main button.
        on_accent: Text on the accent.
        link: Accent as text.
        good: Text and marks of what is fit or accepted.
        warn: Text and marks of what needs a look.
        bad: Text and marks of what failed or was rejected.
        busy: Marks of work in progress.
    """

    window: str
    panel: str
    raised: str
    hover: str
    line: str
    edge: str
    text: str
    faint: str
    disabled: str
    accent: str
    on_accent: str
    link: str
    good: str
    warn: str
    bad: str
    busy: str


DARK = Colours(
    window="#232323",
    panel="#1b1b1b",
    raised="#333333",
    hover="#3d3d3d",
    line="#3a3a3a",
    edge="#808080",
    text="#ececec",
    faint="#b0b0b0",
    disabled="#7d7d7d",
    accent="#2673c9",
    on_accent="#ffffff",
    link="#79b8ff",
    good="#5ecb7e",
    warn="#f0b83c",
    bad="#ff8a80",
    busy="#79b8ff",
)

LIGHT = Colours(
    window="#f0f0f0",
    panel="#ffffff",
    raised="#fafafa",
    hover="#e4e4e4",
    line="#d0d0d0",
    edge="#858585",
    text="#161616",
    faint="#565656",
    disabled="#8f8f8f",
    accent="#1565c0",
    on_accent="#ffffff",
    link="#0b57b0",
    good="#17713a",
    warn="#855600",
    bad="#b3261e",
    busy="#0b57b0",
)


def colours(palette: QPalette | None = None) -> Colours:
    """Return the colours of the scheme in use.

    Args:
        palette: Palette of the widget that is painted; the application's by default.
    """
    ground = (palette or QGuiApplication.palette()).color(QPalette.ColorRole.Window)
    return DARK if ground.lightness() < 128 else LIGHT


def make_palette(scheme: Colours) -> QPalette:
    """Return the palette of a scheme."""
    palette = QPalette(QColor(scheme.raised), QColor(scheme.window))
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, scheme.window),
        (role.Base, scheme.panel),
        (role.AlternateBase, scheme.window),
        (role.Button, scheme.raised),
        (role.ToolTipBase, scheme.raised),
        (role.Mid, scheme.line),
        (role.WindowText, scheme.text),
        (role.Text, scheme.text),
        (role.ButtonText, scheme.text),
        (role.BrightText, scheme.on_accent),
        (role.ToolTipText, scheme.text),
        (role.PlaceholderText, scheme.faint),
        (role.Highlight, scheme.accent),
        (role.HighlightedText, scheme.on_accent),
        (role.Link, scheme.link),
        (role.LinkVisited, scheme.link),
    ):
        palette.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(scheme.disabled))
    return palette
