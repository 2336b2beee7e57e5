"""Paint with another candidate, exclude what must not be trusted; layers, listed and removable; suggestions."""

from functools import partial

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGroupBox,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.actions import Actions
from gui.compare import Colour
from gui.design import GAP, ICON, icon
from gui.pages.desk.layer_list import LayerList
from gui.pages.desk.masks import EXCLUSION, LAYER_COLOURS, MaskTints
from gui.state import Composition, Session
from gui.widgets import Form, Label, Slider, beside, named

TOOLS = ("brush", "rectangle", "lasso", "fill")
LARGEST = 400
"""Radius of the brush in px, as far as the slider goes."""


NUMBER_PX = 84
"""Width of a number beside its slider: of 400 px or 100 %."""


class ComposePanel(QWidget):
    """Show brush, layers and suggestions.

    Signal `layer_chosen`: key of the layer whose mask is to be tinted, "" for none.
    """

    layer_chosen = Signal(str)

    def __init__(self, session: Session, composition: Composition, masks: MaskTints, actions: Actions) -> None:
        super().__init__()
        self._session, self._composition, self._masks = session, composition, masks
        self.source = named(QComboBox(), "Paint with", "Choose the candidate that strokes bring in")
        self.radius = named(Slider(1, LARGEST), "Brush radius", "Set the radius of the brush, px (Ctrl++ and Ctrl+-)")
        self.softness = named(
            Slider(0, 100), "Softness", "Set how soft the edge of a stroke is: 0 % is hard, 100 % is soft"
        )
        self.radius_px = named(QSpinBox(), "Brush radius, px", self.radius.toolTip())
        self.radius_px.setRange(1, LARGEST)
        self.radius_px.setSuffix(" px")
        self.softness_percent = named(QSpinBox(), "Softness, %", self.softness.toolTip())
        self.softness_percent.setRange(0, 100)
        self.softness_percent.setSuffix(" %")
        self.edges = named(QCheckBox("Stop at edges"), "Stop at edges", "Keep the brush from crossing strong edges")
        self.tolerance = named(
            QSpinBox(), "Fill tolerance", "Set by how many grey levels a filled pixel may differ from the clicked one"
        )
        self.tolerance.setRange(0, 255)
        self.tolerance.setSuffix(" grey levels")
        self.feather = named(QSpinBox(), "Feather", "Soften the border of the selected layer, px")
        self.feather.setRange(0, 200)
        self.feather.setSuffix(" px")
        self.layers = named(LayerList(), "Layers", "Select a layer to see its mask; layers cover the base candidate")
        self.remove = named(QPushButton("Remove"), "Remove layer", "Remove the selected layer; undo brings it back")
        self.excluded = Label()
        self.excluded_eye = named(QToolButton(), "Exclusion mask: shown")
        self.opacity = named(Slider(0, 100), "Opacity of the masks", "Set the opacity of the tints: 0 % is invisible")
        self.opacity_percent = named(QSpinBox(), "Opacity of the masks, %", self.opacity.toolTip())
        self.opacity_percent.setRange(0, 100)
        self.opacity_percent.setSuffix(" %")
        self.colour = named(QToolButton(), "Colour of the masks", "Choose the colour of the first layer's mask")
        self.colour.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.colour)
        for place, (name, colour) in enumerate(LAYER_COLOURS):
            menu.addAction(_swatch(colour), name, partial(masks.set_colour, place))
        self.colour.setMenu(menu)
        self.suggestion = Label("Press J for suggestions.", wordWrap=True)
        for box in (self.radius_px, self.softness_percent, self.feather, self.opacity_percent):
            box.setFixedWidth(NUMBER_PX)  # so that the panel fits beside its scroll bar
        self._lay_out(actions)
        self.source.activated.connect(lambda _: composition.set_brush(source=self.source.currentData()))
        self.radius.valueChanged.connect(lambda v: composition.set_brush(radius=float(v)))
        self.softness.valueChanged.connect(lambda v: composition.set_brush(softness=v / 100))
        self.radius_px.valueChanged.connect(lambda v: composition.set_brush(radius=float(v)))
        self.softness_percent.valueChanged.connect(lambda v: composition.set_brush(softness=v / 100))
        self.opacity.valueChanged.connect(lambda v: masks.set_opacity(v / 100))
        self.opacity_percent.valueChanged.connect(lambda v: masks.set_opacity(v / 100))
        self.layers.eye_toggled.connect(masks.toggle)
        self.excluded_eye.clicked.connect(lambda: masks.toggle(EXCLUSION))
        masks.changed.connect(self._show)
        self.edges.toggled.connect(lambda on: composition.set_brush(edge_aware=on))
        self.tolerance.valueChanged.connect(lambda v: composition.set_brush(tolerance=float(v)))
        self.feather.editingFinished.connect(self._set_feather)
        self.remove.clicked.connect(self._remove)
        self.layers.currentItemChanged.connect(lambda *_: self._choose())
        for signal in (
            session.draft_changed,
            session.detail_changed,
            session.selection_changed,
            session.displayed_changed,
        ):
            signal.connect(self._show)
        composition.brush_changed.connect(self._show)
        composition.changed.connect(lambda region: None if region else self._show())
        self._show()

    def _lay_out(self, actions: Actions) -> None:
        tools = QHBoxLayout()
        for name in (*TOOLS, "exclude", "erase"):
            button = QToolButton()
            button.setDefaultAction(actions[name])
            actions[name].setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            tools.addWidget(button)
        tools.addStretch(1)
        self._actions = actions
        form = Form()
        form.addRow("Paint with", self.source)
        form.addRow("Radius", beside(self.radius, self.radius_px))
        form.addRow("Softness", beside(self.softness, self.softness_percent))
        form.addRow("", self.edges)
        form.addRow("Fill tolerance", self.tolerance)
        form.labelForField(self.tolerance).setToolTip(self.tolerance.toolTip())
        group = QGroupBox("Layers")
        inner = QVBoxLayout(group)
        inner.setContentsMargins(0, GAP, 0, GAP)
        inner.addWidget(self.layers, 1)
        row = QHBoxLayout()
        row.addWidget(Label("Feather"))
        row.addWidget(self.feather)
        row.addStretch(1)
        row.addWidget(self.remove)
        inner.addLayout(row)
        eye = QHBoxLayout()
        eye.addWidget(self.excluded_eye)
        eye.addWidget(self.excluded, 1)
        inner.addLayout(eye)
        tints = QHBoxLayout()
        tints.addWidget(Label("Opacity"))
        tints.addWidget(beside(self.opacity, self.opacity_percent), 1)
        tints.addWidget(self.colour)
        inner.addLayout(tints)
        hints = QGroupBox("Suggestions")
        QVBoxLayout(hints).addWidget(self.suggestion)
        contents = QWidget()
        scroll = _WideScroll(widgetResizable=True)
        scroll.setAccessibleName("Tools for composing")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(contents)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)
        layout = QVBoxLayout(contents)
        layout.setContentsMargins(0, GAP, 0, GAP)  # the panel is narrow
        layout.addLayout(tools)
        layout.addLayout(form)
        layout.addWidget(group, 1)
        layout.addWidget(hints)

    def set_suggestion(self, text: str) -> None:
        """Show this line about the suggestions."""
        self.suggestion.setText(text)

    def _show(self) -> None:
        session, composition = self._session, self._composition
        brush, draft = composition.brush, session.detail.draft
        blockers = [QSignalBlocker(w) for w in (self.source, self.edges, self.tolerance, *self._numbers())]
        self.source.clear()
        for candidate in session.detail.candidates:
            self.source.addItem(session.label(candidate), candidate.id)
        self.source.setCurrentIndex(self.source.findData(composition.source()))
        for widget, value in self._numbers().items():
            widget.setValue(value)
        self.colour.setIcon(_swatch(LAYER_COLOURS[self._masks.first_colour][1]))
        self.edges.setChecked(brush.edge_aware)
        self.tolerance.setValue(round(brush.tolerance))
        del blockers
        for name in TOOLS:
            self._actions[name].setChecked(brush.tool == name)
        self._actions["exclude"].setChecked(brush.excluding)
        self._actions["erase"].setChecked(brush.erasing)
        self._list_layers()
        count = len(draft.exclude)
        self.excluded.setText(f"Exclusion mask: {count} stroke{'s' if count != 1 else ''}" if count else "")
        hidden = self._masks.is_hidden(EXCLUSION)
        self.excluded_eye.setIcon(icon("eye_off" if hidden else "eye"))
        named(
            self.excluded_eye,
            f"Exclusion mask: {'hidden' if hidden else 'shown'}",
            f"{'Show' if hidden else 'Hide'} the exclusion mask; it stays valid",
        )
        self.excluded_eye.setVisible(bool(count))

    def _numbers(self) -> dict[Slider | QSpinBox, int]:
        """Return the widgets that show a number of the brush or the masks, and the number."""
        brush, opacity = self._composition.brush, round(100 * self._masks.opacity)
        radius, softness = round(brush.radius), round(100 * brush.softness)
        return {
            self.radius: radius,
            self.radius_px: radius,
            self.softness: softness,
            self.softness_percent: softness,
            self.opacity: opacity,
            self.opacity_percent: opacity,
        }

    def _list_layers(self) -> None:
        session = self._session
        draft, chosen = session.detail.draft, self._key()
        blocker = QSignalBlocker(self.layers)
        self.layers.clear()
        for layer in draft.layers:
            candidate = session.candidate(int(layer.candidate))
            name = session.label(candidate) if candidate else "removed candidate"
            strokes = f"{len(layer.shapes)} stroke{'s' if len(layer.shapes) != 1 else ''}"
            feather = f", feather {layer.feather:g} px" if layer.feather else ""
            hidden, colour = self._masks.is_hidden(layer.key), self._masks.colour(layer.key)
            item = self.layers.add_layer(layer.key, name, f"{strokes}{feather}", colour, hidden=hidden)
            if layer.key == chosen:
                self.layers.setCurrentItem(item)
        del blocker
        self._choose()

    def _choose(self) -> None:
        key = self._key()
        layer = next((layer for layer in self._session.detail.draft.layers if layer.key == key), None)
        self.remove.setEnabled(layer is not None)
        self.feather.setEnabled(layer is not None)
        if layer is not None and not self.feather.hasFocus():
            self.feather.setValue(round(layer.feather))
        self.layer_chosen.emit(key if layer else "")

    def _key(self) -> str:
        item = self.layers.currentItem()
        return str(item.data(Qt.ItemDataRole.UserRole)) if item else ""

    def _remove(self) -> None:
        summary, key = self._session.summary, self._key()
        if summary is not None and key:
            self._session.change(lambda editor: editor.remove_layer(summary.sequence, key))

    def _set_feather(self) -> None:
        summary, key = self._session.summary, self._key()
        layer = next((layer for layer in self._session.detail.draft.layers if layer.key == key), None)
        if summary is not None and layer is not None and layer.feather != self.feather.value():
            self._session.change(lambda editor: editor.feather(summary.sequence, key, float(self.feather.value())))


def _swatch(colour: Colour) -> QIcon:
    """Return a colour as an icon."""
    pixmap = QPixmap(ICON, ICON)
    pixmap.fill(QColor(*colour))
    return QIcon(pixmap)


class _WideScroll(QScrollArea):
    """Scrolls up and down only: as wide as its contents and the scroll bar, so that nothing is cut at the side."""

    def minimumSizeHint(self) -> QSize:
        """Return the least size."""
        least, contents = super().minimumSizeHint(), self.widget()
        if contents is None:
            return least
        return QSize(contents.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width(), least.height())
