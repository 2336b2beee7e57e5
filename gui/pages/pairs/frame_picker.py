"""Choose the rainy frames of a sequence: the strip, and buttons that choose many at once."""

from collections.abc import Collection, Mapping
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from gui.design import GAP, sized
from gui.pages.pairs.frame_strip import FramesModel, FrameStrip
from gui.pages.pairs.pair_reading import Subject, read_thumbnails
from gui.widgets import ElidedLabel, named
from gui.workers import LATER, Workers
from pipeline.text_format import counted

_LANE = "pairs-thumbnails"
_LEFT_OUT = "Repeated frames are not listed. Frames that are misaligned with the clean image are left out at export."
_NOT_LISTED = "Repeated frames, and frames that cannot be stabilized, are not listed."


class FramePicker(QWidget):
    """Show the strip and its buttons.

    Signals: `chosen`: a person wants these frames, a list of indices in the clip, or None for those of the settings;
    `focused`: the frame that a person looks at.
    """

    chosen = Signal(object)
    focused = Signal(int)

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self._workers = workers
        self._thumbnails_of: tuple[object, ...] | None = None
        self.covered: Collection[int] = ()
        self.stabilized = False
        self.frames = FramesModel()
        self.strip = FrameStrip(self.frames)
        self.title, self.count = ElidedLabel(), ElidedLabel(lines=2)
        self.title.setFont(sized("title"))
        self.by_settings = _button("Use settings", "Let the setting Frames choose the frames")
        self.all = _button("All frames", "Choose every frame")
        self.only = _button("Only this frame", "Choose the current frame and no other")
        self.spread = _button("Spread by rain", "Choose this number of frames that differ most in rain amount")
        self.number = named(
            QSpinBox(minimum=1, maximum=9999, value=10, suffix=" frames"),
            "Frames to spread by rain",
            "Set how many frames “Spread by rain” chooses",
        )
        self._buttons = (self.by_settings, self.all, self.only, self.spread, self.number)
        row = QHBoxLayout()
        for widget in self._buttons:
            row.addWidget(widget)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.title)
        column.addLayout(row)
        column.addWidget(self.strip)
        column.addWidget(self.count)
        self.frames.toggled.connect(lambda frame: self.chosen.emit(sorted(self.frames.chosen ^ {frame})))
        self.strip.focused.connect(self.focused)
        self.by_settings.clicked.connect(lambda: self.chosen.emit(None))
        self.all.clicked.connect(lambda: self.chosen.emit(sorted(self.frames.order)))
        self.only.clicked.connect(lambda: self.chosen.emit([self.strip.frame]))
        self.spread.clicked.connect(self._spread)
        self.mark("", (), None)

    def set_frames(self, rain: Mapping[int, float], covered: Collection[int] = ()) -> None:
        """List the frames to choose from; the one with most rain is focused first.

        Args:
            rain: index in the clip → rain amount, grey levels.
            covered: frames that foreground objects cover to a good part, chosen only if there are too few others.
        """
        self.covered = covered
        if self.frames.rain != rain:
            self.frames.set_frames(rain)
            self._thumbnails_of = None
            if self.frames.order:
                self.strip.focus_frame(self.frames.order[-1])

    def load(self, folder: Path | None, subject: Subject | None) -> None:
        """Load the thumbnails in the background, unless they are loaded or being loaded; drop those of others."""
        if folder is None or subject is None or not self.frames.order:
            self._workers.cancel(_LANE)
            self._thumbnails_of = None
            return
        self.stabilized = bool(subject.analysis is not None and subject.analysis.stabilization)
        stabilization = subject.analysis.stabilization if subject.analysis is not None else ""
        key = (folder, subject.clip_id, subject.region, stabilization)
        if key == self._thumbnails_of:
            return
        self._thumbnails_of = key
        frames = sorted(self.frames.order)
        # A new dictionary: what is still being read for other frames fills the old one.
        thumbnails = self.frames.thumbnails = {}
        self._workers.run_stage(
            lambda: read_thumbnails(folder, subject, frames, thumbnails),
            lambda _: self.strip.viewport().update(),
            lambda error: self.title.setText(str(error)),
            progress=lambda _: self.strip.viewport().update(),
            lane=_LANE,
            urgency=LATER,
        )

    def mark(self, title: str, chosen: Collection[int], by: str | None) -> None:
        """Check these frames.

        Args:
            title: line above the strip.
            chosen: indices in the clip.
            by: the setting that chose them, "" while it is wrong, None for a person.
        """
        self.frames.set_chosen(chosen)
        self.title.setText(title)
        has_frames = bool(self.frames.order)
        for widget in self._buttons:
            widget.setEnabled(has_frames)
        self.by_settings.setEnabled(has_frames and by is None)
        how = "by hand" if by is None else f"by the settings ({by})"
        total = counted(len(self.frames.order), "frame")
        number = f"{len(self.frames.chosen)} of {total} chosen {how}. " if by != "" else ""
        self.count.setText(f"{number}{_NOT_LISTED if self.stabilized else _LEFT_OUT}" if has_frames else "")

    def _spread(self) -> None:
        from rainclean.dataset import FrameChoice

        rain = self.frames.rain
        choice = FrameChoice("differ", self.number.value())
        self.chosen.emit(choice.choose(list(rain), list(rain.values()), self.covered))


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button
