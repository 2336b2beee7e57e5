"""All keys, from the table of actions."""

import re
from html import escape

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from gui.actions import GROUPS, HELD, TABLE, Action, key_text

_MOUSE = (
    ("Wheel", "Zoom around the pointer"),
    ("Drag", "Move the picture; with a tool, draw"),
    ("Drag the divider", "Wipe"),
    ("Right button, Esc", "Cancel the stroke"),
    ("Double-click a candidate", "Compare with this candidate"),
)


def keys_html() -> str:
    """Return a table for each group of actions as HTML."""
    parts = ["<p>Keys act on the selected sequence, wherever the mouse is.</p><table width='100%'><tr>"]
    columns: list[list[str]] = [[], []]
    for place, group in enumerate(GROUPS):
        rows = [
            (key_text(action), _text(action))
            for action in TABLE
            if action.group == group and action.keys and not action.id.startswith("candidate_")
        ]
        rows += [(held.key, held.tip) for held in HELD if held.group == group]
        if group == "Go":
            rows.append(("1 to 9", "Show the candidate with this number"))
        columns[place % 2].append(_table(group, rows))
    columns[1].append(_table("Mouse", list(_MOUSE)))
    parts += [f"<td valign='top' width='50%'>{''.join(column)}</td>" for column in columns]
    return "".join(parts) + "</tr></table>"


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    body = "".join(
        f"<tr><td width='120'><b>{escape(key)}</b>&nbsp;</td><td>{escape(text)}</td></tr>" for key, text in rows
    )
    return f"<h3>{escape(title)}</h3><table>{body}</table>"


def _text(action: Action) -> str:
    """Return the tip, after the label where the tip does not repeat it."""
    label = action.text.removesuffix("…")
    words = label.lower().split()
    repeated = set(words) & set(re.findall(r"[^\s;,]+", action.tip.lower()))
    return action.tip if 2 * len(repeated) >= len(words) else f"{label}: {_lower(action.tip)}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


class KeysDialog(QDialog):
    """A dialog with all keys."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.resize(980, 760)
        self.text = QTextBrowser()
        self.text.setHtml(keys_html())
        self.text.setAccessibleName("All keys")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
