"""What this program is: version, licence, method, libraries."""

from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui.design import GAP, PAD, sized, window_icon
from gui.widgets import Label, named
from rainclean import __version__

_LIBRARIES = ("PySide6", "numpy", "scipy", "opencv-python-headless", "opencv-python", "av", "torch")
"""Libraries that decide what the program computes and shows, by their names in the package index."""

_TEXT = (
    "Takes real rain videos, computes clean images, and lets people choose the best: pairs of rainy and clean "
    "pictures for training deraining networks.\n\n"
    "The method follows Wang et al., “Spatial Attentive Single-Image Deraining with a High Quality Real Rain "
    "Dataset”, CVPR 2019. Please cite that paper and rainclean (CITATION.cff) when you publish a data set.\n\n"
    "MIT License. The libraries keep their own licences; NOTICE lists them."
)


class AboutDialog(QDialog):
    """Show name, version, method and licence; the versions can be copied for a report."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About rainclean")
        picture = Label()
        picture.setPixmap(window_icon().pixmap(64, 64))
        name = Label("rainclean")
        name.setFont(sized("title", bold=True))
        self.versions = Label(versions_text(), wordWrap=True)
        self.versions.setProperty("look", "faint")
        self.versions.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text = Label(_TEXT, wordWrap=True)
        text.setMinimumWidth(420)
        copy = named(QPushButton("Copy versions"), "Copy versions", "Copy the versions for a report")
        copy.clicked.connect(lambda: QApplication.clipboard().setText(self.versions.text()))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout()
        column.setSpacing(GAP)
        for widget in (name, self.versions, text):
            column.addWidget(widget)
        row = QHBoxLayout()
        row.setSpacing(PAD)
        row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, PAD)
        layout.setSpacing(PAD)
        layout.addLayout(row)
        layout.addWidget(buttons)


def versions_text() -> str:
    """Return the versions of the program and of the libraries that are installed, on one line."""
    parts = [f"Version {__version__}"]
    for name in _LIBRARIES:
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(parts)
