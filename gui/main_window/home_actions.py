"""What the buttons of the home page do: they lead to the page of each thing, with its folder filled in."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gui.jobs import Job, Jobs
from gui.main_window.project_commands import ProjectCommands
from gui.pages.desk import Desk
from gui.state import Session
from pipeline.project.activities import Activity
from pipeline.project.progress import NextStep

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from gui.pages.home import HomePage

_TITLES = {"export": "Export to", "training": "Train SPANet:", "evaluation": "Evaluate into"}
_WEIGHTS = "best.safetensors"


class HomeActions:
    """Answer the signals of the home page."""

    def __init__(
        self,
        session: Session,
        jobs: Jobs,
        commands: ProjectCommands,
        desk: Desk,
        *,
        show_page: "Callable[[str], QWidget]",
    ) -> None:
        """Make the answers. show_page: shows a page by its name, and returns it."""
        self._session, self._jobs, self._commands, self._desk = session, jobs, commands, desk
        self._show = show_page

    def connect(self, page: "HomePage") -> None:
        """Answer this page."""
        page.step.connect(self.take)
        page.opened.connect(self.open)
        page.resumed.connect(self.resume)
        page.filter_chosen.connect(self.list_on_desk)
        page.find_asked.connect(self._commands.find_clips)
        page.analyse_asked.connect(lambda _: self._commands.analyze())

    def take(self, step: NextStep) -> None:
        """Do the next step, or go where it is done."""
        take: dict[str, Callable[[], object]] = {
            "add": self._add,
            "analyze": self._analyze,
            "judge": self._judge,
            "export": partial(self._show, "pairs"),
            "train": partial(self._go_on, step.activity, "training"),
            "evaluate": partial(self._go_on, step.activity, "results"),
            "resume": partial(self.resume, step.activity),
            "done": partial(self._show_done, step.activity),
        }
        take[step.kind]()

    def open(self, activity: Activity) -> None:
        """Show an export, training or evaluation on its page."""
        folder = activity.folder
        if activity.kind == "export":
            self._call(self._show("pairs"), "open_export", folder)
        elif activity.kind == "training":
            self._call(self._show("training"), "open_run", folder)
        else:
            self._call(self._show("results"), "open_evaluation", folder)

    def resume(self, activity: Activity | None) -> None:
        """Go on with what was interrupted, as a job."""
        if activity is None:
            return
        if any(str(activity.folder) in job.arguments for job in self._jobs.unfinished()):
            self._session.message.emit(f"{activity.title} is running already. Jobs (Ctrl+5) shows the progress.")
            return
        if "--network" in activity.resume:
            from gui.pages.training import may_run

            if not may_run(self._show("training" if activity.kind == "training" else "results"), activity.resume):
                return
        project = self._session.project.folder if self._session.project else None
        self._jobs.start(Job(f"{_TITLES[activity.kind]} {activity.title}", activity.resume, project))
        if activity.kind == "training":
            self._call(self._show("training"), "open_run", activity.folder)

    def list_on_desk(self, filter_name: str) -> None:
        """List the sequences of one state on the desk, and select the first of them."""
        self._show("desk")
        self._desk.sequences.search.clear()
        self._desk.sequences.filter.setCurrentText(filter_name)
        if self._session.order and self._session.selected not in self._session.order:
            self._session.select(self._session.order[0])

    def _add(self) -> None:
        if any(job.kind == "add" for job in self._jobs.unfinished()):
            self._show("jobs")
        else:
            self._commands.choose_clips()

    def _analyze(self) -> None:
        if not any(job.kind == "analyze" for job in self._jobs.unfinished()):
            self._commands.analyze()
        self._show("jobs")

    def _judge(self) -> None:
        self._show("desk")
        summary = self._session.summary
        if summary is None or summary.state not in ("ready", "accepted automatically"):
            self._session.step_undecided()

    def _go_on(self, activity: Activity | None, page: str) -> None:
        """Go to a page with the export or the weights of an activity filled in."""
        shown = self._show(page)
        if activity is None:
            return
        if activity.kind == "export":
            self._call(shown, "set_dataset", activity.folder)
        elif (weights := activity.folder / _WEIGHTS).is_file():
            self._call(shown, "set_weights", weights)

    def _show_done(self, activity: Activity | None) -> None:
        if activity is None or activity.state == "running":
            self._show("results" if activity is None else "jobs")
        else:
            self.open(activity)

    @staticmethod
    def _call(page: "QWidget", method: str, path: Path) -> None:
        getattr(page, method)(path)
