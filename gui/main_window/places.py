"""Brings a project back as it was left: page, selected sequence, filter and order, panel sizes, form fields."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QWidget

from gui.main_window.memory import Memory, fields_of, part, set_fields, set_sizes, sizes_of
from gui.pages.desk import Desk
from gui.pages.recent import remember_progress
from gui.state import Session
from pipeline.project.progress import progress

_FORMS = ("training", "results")
"""Pages whose forms are remembered here. The export's form remembers itself."""


class Places:
    """Remember where the window is in each project.

    Attributes:
        pages: Pages that exist, by their names. The window adds those that it makes.
    """

    def __init__(
        self,
        settings: QSettings,
        session: Session,
        desk: Desk,
        *,
        page: Callable[[], str],
        show_page: Callable[[str], object],
    ) -> None:
        """Make the memory.

        Args:
            settings: Where it is stored.
            session: Knows the open project.
            desk: Has the list with filter and order.
            page: Returns the name of the visible page.
            show_page: Shows a page by its name.
        """
        self._settings, self._memory = settings, Memory(settings)
        self._session, self._desk, self._page, self._show_page = session, desk, page, show_page
        self.pages: dict[str, QWidget] = {}
        self._uuid = ""
        session.opened.connect(self._read_uuid)

    def keep(self) -> None:
        """Remember where the window is in the open project, and how far the project is."""
        session, sequences = self._session, self._desk.sequences
        if session.project is None or not self._uuid:
            return
        remembered = self._remembered()
        sizes, fields = part(remembered, "sizes"), part(remembered, "fields")
        # The desk remembers its panels itself: people want the same in all projects.
        sizes |= {name: sizes_of(page) for name, page in self.pages.items() if name != "desk"}
        fields |= {name: fields_of(form) for name in _FORMS if (form := self._form(name)) is not None}
        self._memory.write(
            self._uuid,
            page=self._page(),
            sequence=session.summary.sequence.name if session.summary else "",
            filter="All" if session.blind else sequences.filter.currentText(),
            sort=sequences.sort.currentText(),
            sizes=sizes,
            fields=fields,
        )
        lines = list(session.summaries.values())
        remember_progress(self._settings, session.project.folder, progress(lines).text if lines else "no clips yet")

    def recall(self) -> None:
        """Show the project where it was; the first time at what is to be judged, so that judging needs no key."""
        session, sequences = self._session, self._desk.sequences
        remembered = self._remembered()
        for box, key in ((sequences.filter, "filter"), (sequences.sort, "sort")):
            text = remembered.get(key)
            if isinstance(text, str) and box.findText(text) >= 0:
                box.setCurrentText(text)
        rows = session.summaries.values()
        number = next((row.sequence.id for row in rows if row.sequence.name == remembered.get("sequence")), None)
        any_open = any(row.state in ("ready", "accepted automatically") for row in rows)
        if number is not None:
            session.select(number)
        elif session.order:
            session.step_undecided() if any_open else session.step(0)
        for name in self.pages:
            self.recall_page(name)
        page = remembered.get("page")
        self._show_page(page if isinstance(page, str) and page else "desk" if any_open else "home")

    def recall_page(self, name: str) -> None:
        """Give a page the sizes of its panels and the contents of its form again."""
        remembered = self._remembered()
        set_sizes(self.pages[name], part(part(remembered, "sizes"), name))
        if name in _FORMS and (form := self._form(name)) is not None:
            set_fields(form, part(part(remembered, "fields"), name))

    def _form(self, name: str) -> QWidget | None:
        form: Any = getattr(self.pages.get(name), "form", None)
        return form if isinstance(form, QWidget) else None

    def _remembered(self) -> dict[str, Any]:
        return self._memory.read(self._uuid) if self._uuid else {}

    def _read_uuid(self) -> None:
        # Once: the store may be gone or locked when the window closes.
        self._uuid = self._session.project.uuid if self._session.project is not None else ""
