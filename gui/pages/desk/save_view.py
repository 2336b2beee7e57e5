"""Save what the picture view shows as a PNG."""

from pathlib import Path

from PySide6.QtCore import QIODevice, QSaveFile
from PySide6.QtGui import QImage, QImageWriter

from gui.compare import CompareView, SurveyGrid
from gui.state import Session
from gui.widgets import dialogs


class SaveView:
    """Asks for a file, and remembers its folder while the window is open."""

    def __init__(self, session: Session, view: CompareView) -> None:
        self._session, self._view = session, view
        self._folder = Path.home()

    def save(self, *, marks: bool, survey: SurveyGrid | None = None) -> None:
        """Ask for a file and save the view.

        Args:
            marks: With tints, outlines, captions and brightness; else the pictures alone.
            survey: The grid that covers the view, to be saved in its place; None without one.
        """
        session, summary = self._session, self._session.summary
        if not self._view.has_picture or summary is None:
            session.message.emit("There is no picture to save yet")
            return
        # As it is now: the dialog lies over the window.
        image = survey.grab().toImage() if survey is not None else self._view.to_image(marks=marks)
        name = "".join("-" if character in '\\/:*?"<>|' else character for character in summary.sequence.name)
        title = "Save the view" if marks else "Save the pictures without marks"
        start = self._folder / f"{name}.png"
        for path in dialogs.choose(self._view.window(), title, "new file", start, names="PNG pictures (*.png)"):
            self._write(image, path)

    def _write(self, image: QImage, path: Path) -> None:
        session = self._session
        if path.suffix.lower() != ".png":
            path = path.with_name(f"{path.name}.png")
            if path.exists():  # the dialog has asked about the name without the ending
                session.warning.emit(f"Not saved: {path} exists already. Choose another name.")
                return
        error = write_png(image, path)
        if error:
            session.warning.emit(f"Not saved: {path} cannot be written ({error}). Choose another folder.")
            return
        self._folder = path.parent
        session.message.emit(f"View saved: {path} ({image.width()}×{image.height()} px)")


def write_png(image: QImage, path: Path) -> str:
    """Write an image as a PNG, whole or not at all; return the reason if it cannot be written, else ""."""
    file = QSaveFile(str(path))
    if not file.open(QIODevice.OpenModeFlag.WriteOnly):
        return file.errorString()
    writer = QImageWriter(file, b"png")
    if not writer.write(image):
        file.cancelWriting()
        return writer.errorString()
    return "" if file.commit() else file.errorString()
