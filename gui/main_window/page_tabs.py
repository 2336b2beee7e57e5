"""The pages of the window as tabs. Some are made when they are first opened, so that the window starts quickly."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings, Signal
from PySide6.QtWidgets import QTabWidget, QWidget

from gui.jobs import Job, Jobs
from gui.state import Session

PAGES = {
    "home": "Home",
    "desk": "Desk",
    "pairs": "Pairs",
    "training": "Training",
    "results": "Results",
    "jobs": "Jobs",
}
"""Name of each page, which is also the id of the action that shows it → title of its tab."""

_HANDED_ON = {"export": "folder", "train": "weights"}
"""Kind of job → key of its result that other pages use: the data set that was written, the best weights."""


class PageTabs(QTabWidget):
    """Show one page at a time, and hand results of jobs to the pages that go on with them.

    Signals: `made` with the name of a page that was made; `wanted` with the name of a page that another asks for.

    Attributes:
        made_pages: Pages that exist, by their names.
    """

    made = Signal(str)
    wanted = Signal(str)

    def __init__(self, session: Session, jobs: Jobs, settings: QSettings) -> None:
        super().__init__(documentMode=True)
        self.setObjectName("pages")
        self._session, self._jobs, self._settings = session, jobs, settings
        self.made_pages: dict[str, QWidget] = {}
        self._makers: dict[str, Callable[[], QWidget]] = {}
        self._results: dict[str, Path] = {}
        self._receivers: dict[str, list[Callable[[Path], None]]] = {}

    def fill(self, desk: QWidget, makers: dict[str, Callable[[], QWidget]], tip: Callable[[str], str]) -> None:
        """Add a tab for each page.

        Args:
            desk: The page that exists already, and is shown first.
            makers: Make pages that are asked for, by their names, besides those that are made here.
            tip: Returns the tooltip of a page.
        """
        self.made_pages["desk"] = desk
        self._makers |= makers
        for name, title in PAGES.items():
            self.addTab(self.made_pages.get(name) or QWidget(), title)
            self.setTabToolTip(self.count() - 1, tip(name))
        self.setCurrentWidget(desk)
        self.currentChanged.connect(self._make)

    @property
    def current(self) -> str:
        """Return the name of the visible page."""
        return list(PAGES)[self.currentIndex()]

    def open(self, name: str) -> QWidget:
        """Show a page, and return it."""
        page = self.page(name if name in PAGES else "desk")
        self.setCurrentWidget(page)
        return page

    def page(self, name: str) -> QWidget:
        """Return a page, and make it if nobody has asked for it before."""
        self._make(list(PAGES).index(name))
        return self.made_pages[name]

    def set_title(self, name: str, title: str) -> None:
        """Set the title of a page's tab."""
        self.setTabText(list(PAGES).index(name), title)

    def hand_on(self, job: Job) -> None:
        """Give the result of a job to the pages that go on with it."""
        key = _HANDED_ON.get(job.kind)
        if key is not None and not job.error and isinstance(job.result, dict) and key in job.result:
            self._results[job.kind] = Path(str(job.result[key]))
            for take in self._receivers.get(job.kind, ()):
                take(self._results[job.kind])

    def _make(self, index: int) -> None:
        name = list(PAGES)[index]
        if name in self.made_pages:
            return
        page = self._page(name)
        self.made_pages[name] = page
        self.made.emit(name)
        title, tip, current = self.tabText(index), self.tabToolTip(index), self.currentIndex()
        blocked = self.blockSignals(True)
        self.removeTab(index)
        self.insertTab(index, page, title)
        self.setTabToolTip(index, tip)
        self.setCurrentIndex(current)
        self.blockSignals(blocked)

    def _page(self, name: str) -> QWidget:
        if name in self._makers:
            return self._makers[name]()
        if name == "pairs":
            from gui.pages.pairs import PairsPage

            pairs = PairsPage(self._session, self._jobs, self._settings)
            pairs.to_desk.connect(partial(self.wanted.emit, "desk"))
            return pairs
        if name == "training":
            from gui.pages.training import TrainingPanel

            training = TrainingPanel(self._jobs, self._folder)
            training.log_asked.connect(partial(self.wanted.emit, "jobs"))
            self._follow("export", training.set_dataset)
            return training
        from gui.pages.results import ResultsPanel

        results = ResultsPanel(self._jobs, self._folder)
        self._follow("export", results.set_dataset)
        self._follow("train", results.set_weights)
        return results

    def _follow(self, kind: str, take: Callable[[Path], None]) -> None:
        """Hand the result of the latest job of a kind to a page, now and after each later job."""
        self._receivers.setdefault(kind, []).append(take)
        if kind in self._results:
            take(self._results[kind])

    def _folder(self) -> Path | None:
        return self._session.project.folder if self._session.project else None
