"""The menus of the window: groups of actions, the name of the user, the colour scheme."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSettings
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenuBar

from gui import design
from gui.actions import GROUPS, Actions


def fill_menus(bar: QMenuBar, commands: Actions, settings: QSettings, ask_who: Callable[[], object]) -> None:
    """Make a menu of each group of actions. ask_who: asks for the name of the user."""
    for group in GROUPS:
        menu = bar.addMenu(f"&{group}")
        for action in commands.of_group(group):
            menu.addAction(action)
        if group == "Decide":
            menu.addSeparator()
            menu.addAction("Your name…", ask_who)
        if group == "Window":
            menu.addSeparator()
            schemes = QActionGroup(menu)
            for name in design.SCHEMES:
                choice = menu.addAction(f"Colours: {name}", partial(_choose_scheme, settings, name))
                choice.setCheckable(True)
                choice.setChecked(name == settings.value(design.KEY, next(iter(design.SCHEMES))))
                schemes.addAction(choice)


def _choose_scheme(settings: QSettings, name: str) -> None:
    settings.setValue(design.KEY, name)
    design.set_scheme(name)
