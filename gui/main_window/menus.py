"""The menus of the window: groups of actions, the name of the user, the colour scheme."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QMenuBar

from gui import design
from gui.actions import GROUPS, Actions
from gui.pages.recent import existing


def fill_menus(
    bar: QMenuBar,
    commands: Actions,
    settings: QSettings,
    ask_who: Callable[[], object],
    open_project: Callable[[Path], object],
) -> None:
    """Make a menu of each group of actions.

    Args:
        bar: Menu bar to fill.
        commands: The actions.
        settings: Know the recent projects and the colour scheme.
        ask_who: Asks for the name of the user.
        open_project: Opens a recent project.
    """
    for group in GROUPS:
        menu = bar.addMenu(f"&{group}")
        for action in commands.of_group(group):
            menu.addAction(action)
            if action is commands["open"]:
                recents = menu.addMenu("Open recent")
                recents.aboutToShow.connect(partial(fill_recent, recents, settings, open_project))
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


def fill_recent(menu: QMenu, settings: QSettings, open_project: Callable[[Path], object]) -> None:
    """List the recent projects in their submenu."""
    menu.clear()
    for folder in existing(settings):
        entry = menu.addAction(folder.name.replace("&", "&&"), partial(open_project, folder))
        entry.setStatusTip(str(folder))
    if menu.isEmpty():
        menu.addAction("No recent projects").setEnabled(False)


def _choose_scheme(settings: QSettings, name: str) -> None:
    settings.setValue(design.KEY, name)
    design.set_scheme(name)
