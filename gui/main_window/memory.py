"""What the window remembers of each project: page, selected sequence, filter and order, panel sizes, form fields."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox, QSplitter, QWidget

_KEY = "project"
_MAX_TEXT = 10_000
"""Characters of a field that are remembered."""


class Memory:
    """Read and write what is remembered. Each project has an entry of its own, by its UUID."""

    def __init__(self, settings: QSettings) -> None:
        self._settings = settings

    def read(self, uuid: str) -> dict[str, Any]:
        """Return what is remembered of a project; empty where nothing is, or where it cannot be read."""
        try:
            value = json.loads(str(self._settings.value(f"{_KEY}/{uuid}") or "{}"))
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def write(self, uuid: str, **facts: Any) -> None:
        """Remember these facts of a project; others stay."""
        self._settings.setValue(f"{_KEY}/{uuid}", json.dumps({**self.read(uuid), **facts}, ensure_ascii=False))


def part(remembered: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return a part of what is remembered; empty where it is damaged."""
    value = remembered.get(key)
    return value if isinstance(value, dict) else {}


def sizes_of(page: QWidget) -> dict[str, str]:
    """Return the sizes of the panels of a page."""
    return {key: splitter.saveState().toBase64().toStdString() for key, splitter in _splitters(page)}


def set_sizes(page: QWidget, sizes: Mapping[str, Any]) -> None:
    """Give the panels of a page these sizes again."""
    for key, splitter in _splitters(page):
        if isinstance(state := sizes.get(key), str):
            collapsible = splitter.childrenCollapsible()
            splitter.restoreState(QByteArray.fromBase64(state.encode("ascii", "replace")))
            splitter.setChildrenCollapsible(collapsible)


def fields_of(form: QWidget) -> dict[str, str | float | bool]:
    """Return the contents of the fields of a form, by their names for screen readers."""
    result: dict[str, str | float | bool] = {}
    for name, field in _fields(form):
        if isinstance(field, QComboBox):
            result[name] = field.currentText()
        elif isinstance(field, QCheckBox):
            result[name] = field.isChecked()
        elif isinstance(field, QSpinBox | QDoubleSpinBox):
            result[name] = field.value()
        elif isinstance(field, QLineEdit) and len(field.text()) <= _MAX_TEXT:
            result[name] = field.text()
    return result


def set_fields(form: QWidget, values: Mapping[str, Any]) -> None:
    """Fill in the fields of a form. Lists come first: choosing an entry may set other fields."""
    fields = sorted(_fields(form), key=lambda pair: not isinstance(pair[1], QComboBox))
    for name, field in fields:
        value = values.get(name)
        if isinstance(field, QComboBox) and isinstance(value, str):
            if field.isEditable() or field.findText(value) >= 0:
                field.setCurrentText(value)
        elif isinstance(field, QCheckBox) and isinstance(value, bool):
            field.setChecked(value)
        elif isinstance(field, QSpinBox) and isinstance(value, int):
            field.setValue(value)
        elif isinstance(field, QDoubleSpinBox) and isinstance(value, int | float):
            field.setValue(float(value))
        elif isinstance(field, QLineEdit) and isinstance(value, str):
            field.setText(value)


def _fields(form: QWidget) -> Iterator[tuple[str, QWidget]]:
    """Yield the fields of a form with their names; those without a name, and parts of other fields, are left out."""
    for kind in (QComboBox, QCheckBox, QSpinBox, QDoubleSpinBox, QLineEdit):
        for field in form.findChildren(kind):
            inside = isinstance(field.parentWidget(), QComboBox | QSpinBox | QDoubleSpinBox)
            if field.accessibleName() and not inside:
                yield field.accessibleName(), field


def _splitters(page: QWidget) -> Iterator[tuple[str, QSplitter]]:
    splitters = [*([page] if isinstance(page, QSplitter) else []), *page.findChildren(QSplitter)]
    for place, splitter in enumerate(splitters):
        yield f"{place}/{splitter.count()}", splitter
