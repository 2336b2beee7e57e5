"""The style sheet of the window, made of the measures and the colours."""

from importlib.resources import files

from gui.design.colours import DARK, Colours
from gui.design.tokens import GAP, RADIUS, SPACE


def stylesheet(scheme: Colours) -> str:
    """Return the style sheet of a scheme.

    A widget asks for another look by its property ``look``: ``main`` (the one main button of a page), ``flat``,
    ``card``, ``faint``, ``good``, ``warn`` or ``bad``.
    """
    s = scheme
    arrows = (files("gui.design") / "arrows").joinpath
    suffix = "dark" if s is DARK else "light"
    up, down, check = (
        str(arrows(name)).replace("\\", "/") for name in (f"up_{suffix}.svg", f"down_{suffix}.svg", "check.svg")
    )
    return f"""
QToolTip {{ background: {s.raised}; color: {s.text}; border: 1px solid {s.edge}; padding: {SPACE}px {GAP}px; }}

QPushButton, QToolButton {{
    background: {s.raised}; color: {s.text}; border: 1px solid {s.edge}; border-radius: {RADIUS}px;
    padding: {SPACE}px {GAP + SPACE}px; min-height: 18px;
}}
QToolButton {{ padding: {SPACE}px {GAP}px; }}
QPushButton:hover, QToolButton:hover {{ background: {s.hover}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {s.line}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {s.disabled}; border-color: {s.line}; background: transparent; }}
QPushButton:focus, QToolButton:focus {{ border: 2px solid {s.link}; padding: {SPACE - 1}px {GAP + SPACE - 1}px; }}
QToolButton:focus {{ padding: {SPACE - 1}px {GAP - 1}px; }}
QToolButton:checked {{ background: {s.accent}; color: {s.on_accent}; border-color: {s.accent}; }}
QToolBar {{ spacing: {SPACE}px; border: 0; padding: {SPACE}px 0; }}
QToolBar QToolButton, QToolButton[look="flat"] {{ background: transparent; border-color: transparent; }}
QToolBar QToolButton:hover, QToolButton[look="flat"]:hover {{ background: {s.hover}; }}
QToolBar QToolButton:checked, QToolButton[look="flat"]:checked {{ background: {s.accent}; border-color: {s.accent}; }}
QToolBar QToolButton:focus, QToolButton[look="flat"]:focus {{ border: 2px solid {s.link}; }}
QPushButton[look="main"], QToolButton[look="main"] {{
    background: {s.accent}; color: {s.on_accent}; border-color: {s.accent}; font-weight: bold;
}}
QPushButton[look="main"]:hover, QToolButton[look="main"]:hover {{ border-color: {s.text}; }}
QPushButton[look="main"]:disabled, QToolButton[look="main"]:disabled {{
    background: {s.raised}; color: {s.disabled}; border-color: {s.line};
}}

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox {{
    background: {s.panel}; color: {s.text}; border: 1px solid {s.edge}; border-radius: {RADIUS}px;
    selection-background-color: {s.accent}; selection-color: {s.on_accent};
}}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox {{ min-height: 20px; padding: 2px {SPACE + 2}px; }}
QSpinBox, QDoubleSpinBox {{ padding-right: 18px; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus {{
    border: 2px solid {s.link}; padding: 1px {SPACE + 1}px;
}}
QSpinBox:focus, QDoubleSpinBox:focus {{ padding-right: 17px; }}
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled {{
    color: {s.disabled}; border-color: {s.line};
}}
QLineEdit QToolButton {{ border: 0; padding: 0; min-height: 0; }}
QComboBox::drop-down {{ border: 0; width: 20px; }}
QComboBox::down-arrow {{ image: url("{down}"); width: 12px; height: 12px; }}
QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button {{
    subcontrol-origin: border; width: 18px; border: 0; background: transparent;
}}
QSpinBox::up-button, QDoubleSpinBox::up-button {{ subcontrol-position: top right; }}
QSpinBox::down-button, QDoubleSpinBox::down-button {{ subcontrol-position: bottom right; }}
QSpinBox::up-button:hover, QDoubleSpinBox::up-button:hover, QSpinBox::down-button:hover,
QDoubleSpinBox::down-button:hover {{ background: {s.hover}; }}
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow {{ image: url("{up}"); width: 10px; height: 10px; }}
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {{ image: url("{down}"); width: 10px; height: 10px; }}
QComboBox QAbstractItemView {{ background: {s.panel}; border: 1px solid {s.edge}; outline: 0; }}
QCheckBox, QRadioButton {{ spacing: {GAP}px; min-height: 22px; }}
QCheckBox::indicator, QAbstractItemView::indicator {{
    width: 14px; height: 14px; border: 1px solid {s.edge}; border-radius: 3px; background: {s.panel};
}}
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {{
    background: {s.accent}; border-color: {s.accent}; image: url("{check}");
}}
QCheckBox::indicator:disabled {{ border-color: {s.line}; }}
QSlider::groove:horizontal {{ height: 4px; background: {s.line}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {s.accent}; border-radius: 2px; }}
QSlider::handle:horizontal {{
    width: 14px; height: 14px; margin: -6px 0; border-radius: 8px; background: {s.text}; border: 1px solid {s.window};
}}
QSlider::handle:horizontal:disabled {{ background: {s.disabled}; }}
QSlider::sub-page:horizontal:disabled {{ background: {s.line}; }}
QSlider {{ min-height: 22px; }}
QCheckBox:focus, QSlider:focus {{ outline: none; border: 2px solid {s.link}; border-radius: {RADIUS}px; }}

QAbstractItemView {{ border: 1px solid {s.line}; border-radius: {RADIUS}px; }}
QListWidget#recent {{ activate-on-singleclick: 1; }}
QListView:focus, QTableView:focus, QTreeView:focus {{ border: 1px solid {s.link}; }}
QTableView::item {{ padding: 0 {SPACE + 2}px; }}
QHeaderView::section {{
    background: {s.window}; color: {s.faint}; border: 0; border-bottom: 1px solid {s.line}; padding: {SPACE}px {GAP}px;
}}

QTabWidget::pane {{ border: 0; border-top: 1px solid {s.line}; }}
QTabBar::tab {{
    background: transparent; color: {s.faint}; border: 0; border-bottom: 2px solid transparent;
    padding: {GAP}px {GAP + SPACE}px;
}}
QTabBar::tab:hover {{ color: {s.text}; }}
QTabBar::tab:selected {{ color: {s.text}; border-bottom: 2px solid {s.link}; }}
QTabBar::tab:focus {{ background: {s.hover}; }}
QTabBar::tab:disabled {{ color: {s.disabled}; }}

QMenuBar {{ background: {s.window}; padding: 2px {SPACE}px; }}
QMenuBar::item {{ padding: {SPACE}px {GAP}px; border-radius: {RADIUS}px; }}
QMenuBar::item:selected {{ background: {s.hover}; }}
QMenu {{ background: {s.panel}; border: 1px solid {s.edge}; padding: {SPACE}px; }}
QMenu::item {{ padding: {SPACE}px {6 * SPACE}px {SPACE}px {GAP}px; border-radius: {RADIUS}px; }}
QMenu::item:selected {{ background: {s.accent}; color: {s.on_accent}; }}
QMenu::item:disabled {{ color: {s.disabled}; }}
QMenu::separator {{ height: 1px; background: {s.line}; margin: {SPACE}px {GAP}px; }}

QGroupBox {{ border: 1px solid {s.line}; border-radius: {RADIUS}px; margin-top: 18px; padding: {GAP}px; }}
QGroupBox::title {{ subcontrol-origin: margin; left: 0; color: {s.faint}; }}
QSplitter::handle {{ background: {s.line}; }}
QSplitter::handle:horizontal {{ width: 1px; margin: 0 3px; }}
QSplitter::handle:vertical {{ height: 1px; margin: 3px 0; }}
QSplitter::handle:hover {{ background: {s.link}; }}
QStatusBar {{ border-top: 1px solid {s.line}; color: {s.faint}; }}
QStatusBar::item {{ border: 0; }}
QProgressBar {{
    background: {s.line}; border: 0; border-radius: 2px; text-align: center; color: {s.text}; max-height: 6px;
}}
QProgressBar::chunk {{ background: {s.accent}; border-radius: 2px; }}
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle {{ background: {s.edge}; border-radius: 4px; margin: 2px; min-height: 24px; min-width: 24px; }}
QScrollBar::handle:hover {{ background: {s.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}

QFrame[look="card"], QWidget[look="card"] {{
    background: {s.panel}; border: 1px solid {s.line}; border-radius: {2 * RADIUS}px;
}}
QLabel[look="faint"] {{ color: {s.faint}; }}
QLabel[look="good"] {{ color: {s.good}; }}
QLabel[look="warn"] {{ color: {s.warn}; }}
QLabel[look="bad"] {{ color: {s.bad}; }}
"""
