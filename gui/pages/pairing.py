"""Rows of a form that say how rainy and clean images of a data set belong together, as the commands' flags do."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from gui.widgets import Form, PathField, WrappedLabel, named, typed_paths
from rainclean.dataset import KNOWN_NAMES, Pairing
from rainclean.errors import UsageError

_WAYS = {"known": "Found by their names", "rule": "By patterns", "list": "Listed in a CSV file"}
"""Ways to name the pairs."""

_ROWS = {"rule": ("rainy", "clean"), "list": ("pairs",)}
"""Way → its fields."""


class PairingRows(QObject):
    """A choice of how pairs are found, and the fields of that choice.

    Signals: `changed` whenever a person changes one of them.

    Attributes:
        way: The choice.
        rainy: Field of the pattern of the rainy images.
        clean: Field of the rule for the clean image of each.
        pairs: Field of the file that lists pairs.
        errors: Line below each field, by the field's name.
    """

    changed = Signal()

    def __init__(self, form: Form) -> None:
        """Add the rows to a form."""
        super().__init__(form)
        self._form = form
        self.way = named(
            QComboBox(), "Pairs", "Choose how pairs are found: names of exports and published data sets are known"
        )
        for key, text in _WAYS.items():
            self.way.addItem(text, key)
        self.way.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.rainy = named(
            QLineEdit(),
            "Rainy images",
            "Type a pattern of the rainy images below the data set: * is any text in a name, ** any folders",
        )
        self.rainy.setPlaceholderText("rain/*.png")
        self.clean = named(
            QLineEdit(),
            "Clean images",
            "Type the clean image of each: {stem} is the name of the rainy image without its ending, {dir} its folder, "
            "{1} what the first * took",
        )
        self.clean.setPlaceholderText("norain/{stem}.png")
        self.pairs = PathField(
            "Pair list",
            "file",
            "Choose a CSV file with the columns rainy and clean, and scene and split if you like",
            names="Pair lists (*.csv)",
        )
        form.addRow("&Pairs", self.way)
        self.errors: dict[str, WrappedLabel] = {}
        self._rows: dict[str, QWidget] = {}
        fields: tuple[tuple[str, str, QWidget], ...] = (
            ("rainy", "Rainy images", self.rainy), ("clean", "Clean images", self.clean),
            ("pairs", "Pair list", self.pairs),
        )  # fmt: skip
        for key, text, field in fields:
            self.errors[key] = WrappedLabel(name=f"Problem of {text.lower()}", look="bad")
            self._rows[key] = form.add_field(text, field, self.errors[key])
        self.way.currentIndexChanged.connect(self._show_rows)
        for edit in (self.rainy, self.clean, self.pairs.edit):
            edit.textChanged.connect(lambda _: self.changed.emit())
        self._show_rows()

    def pairing(self) -> Pairing:
        """Return what the fields say; names that are known where something is missing or wrong."""
        return KNOWN_NAMES if self.problem()[1] else self._pairing()

    def problem(self) -> tuple[str, str]:
        """Return the field that is wrong and why; two empty texts if none is."""
        way = self.way.currentData()
        if way == "list":
            path = self.pairs.path
            if path is None:
                return "pairs", "Choose the CSV file that lists the pairs."
            return ("pairs", wrong) if (wrong := typed_paths.problem_of(path, "file")) else ("", "")
        if way == "known":
            return "", ""
        if self.is_empty("rainy"):
            return "rainy", "Type a pattern, such as rain/*.png."
        if self.is_empty("clean"):
            return "clean", "Type a rule, such as norain/{stem}.png."
        try:
            self._pairing().check()
        except UsageError as error:
            text = str(error)
            wrong = " ".join(map(typed_paths.without_middle, text.split(" ")))
            return ("rainy" if text.startswith(f"{self.rainy.text().strip()}: ") else "clean"), f"{wrong}."
        return "", ""

    def is_empty(self, field: str) -> bool:
        """Return whether a field is empty: that is no mistake yet."""
        edit = self.pairs.edit if field == "pairs" else getattr(self, field)
        return not edit.text().strip()

    def _pairing(self) -> Pairing:
        way = self.way.currentData()
        if way == "rule":
            return Pairing(rainy=self.rainy.text().strip(), clean=self.clean.text().strip())
        path = self.pairs.path
        return Pairing(pairs=path.absolute()) if way == "list" and path is not None else KNOWN_NAMES

    def _show_rows(self) -> None:
        for way, fields in _ROWS.items():
            for field in fields:
                self._form.setRowVisible(self._rows[field], way == self.way.currentData())
        self.changed.emit()


def pairing_arguments(pairing: Pairing) -> list[str]:
    """Return the flags of a command for a pairing. A pattern may begin with a hyphen, so it is joined to its flag."""
    values = pairing.to_json()
    return [f"--{name}={values[name]}" for name in ("rainy", "clean", "pairs") if name in values]


def show_errors(errors: dict[str, WrappedLabel], wrong: str, problem: str, empty: set[str]) -> None:
    """Show a problem below its field, and nothing below the others.

    Args:
        errors: Line below each field, by the field's name.
        wrong: Name of the field; "" for none.
        problem: The text.
        empty: Fields where it is no mistake yet, only something that is missing.
    """
    for name, label in errors.items():
        text = problem if name == wrong else ""
        label.set_look("faint" if name in empty else "bad")
        label.setText(text)
        label.setVisible(bool(text))
