"""Brighten the pictures on the screen, for night clips. Nothing of it is stored."""

from PySide6.QtCore import QPoint, QSignalBlocker, Qt
from PySide6.QtWidgets import QFrame, QPushButton

from gui.compare import GAMMAS, NEUTRAL, STOPS, CompareView, Tone
from gui.design import GAP, PAD
from gui.widgets import Form, Label, Slider, beside, named

GAMMA_STEP = 0.2
"""Change of gamma with one key press."""


class BrightnessPopup(QFrame):
    """Two sliders and Reset. A click outside or Esc closes it."""

    def __init__(self, view: CompareView) -> None:
        super().__init__(view, Qt.WindowType.Popup)
        self._view = view
        self.setProperty("look", "card")
        self.setAccessibleName("Brightness of the view")
        self.brightness = named(
            Slider(*STOPS, page=2), "Brightness", "Multiply all levels on the screen (Alt+Up and Alt+Down)"
        )
        low, high = (round(10 * gamma) for gamma in GAMMAS)
        self.gamma = named(Slider(low, high), "Gamma", "Brighten dark parts only (Alt+Right and Alt+Left)")
        self.gain_text, self.gamma_text = Label(), Label()
        for text in (self.gain_text, self.gamma_text):
            text.setMinimumWidth(text.fontMetrics().horizontalAdvance("×0.00"))
        self.reset = named(QPushButton("Reset"), "Reset", "Show the pictures as they are (Alt+0)")
        self.brightness.setMinimumWidth(200)
        form = Form(self)
        form.setContentsMargins(PAD, PAD, PAD, PAD)
        form.setSpacing(GAP)
        form.addRow("Brightness", beside(self.brightness, self.gain_text))
        form.addRow("Gamma", beside(self.gamma, self.gamma_text))
        form.addRow(Label("Only the view changes. Nothing is stored.", wordWrap=True))
        form.addRow(self.reset)
        self.brightness.valueChanged.connect(lambda v: view.set_tone(Tone(v, view.tone.gamma)))
        self.gamma.valueChanged.connect(lambda v: view.set_tone(view.tone.with_gamma(v / 10)))
        self.reset.clicked.connect(lambda: view.set_tone(NEUTRAL))
        view.tone_changed.connect(self._show)
        self._show()

    def open(self) -> None:
        """Open below the top edge of the view, in the middle."""
        self.adjustSize()
        top = self._view.mapToGlobal(QPoint((self._view.width() - self.width()) // 2, 2 * PAD))
        self.move(top)
        self.show()
        self.brightness.setFocus()

    def _show(self) -> None:
        tone = self._view.tone
        blockers = [QSignalBlocker(self.brightness), QSignalBlocker(self.gamma)]
        self.brightness.setValue(tone.half_stops)
        self.gamma.setValue(round(10 * tone.gamma))
        del blockers
        self.gain_text.setText(f"×{tone.gain:.2g}")
        self.gamma_text.setText(f"γ {tone.gamma:.1f}")
        self.reset.setEnabled(tone != NEUTRAL)
