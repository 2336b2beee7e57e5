"""The page of pairs: choose rainy frames and crops, see the estimated size, and export."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from gui.command_buttons import in_window
from gui.design import GAP, PAD, sized
from gui.jobs import Job, Jobs, outcome_of
from gui.pages.pairs.crop_preview import CropPreview
from gui.pages.pairs.export_form import ExportForm
from gui.pages.pairs.export_run import ExportRun, estimate_text
from gui.pages.pairs.frame_picker import FramePicker
from gui.pages.pairs.pair_reading import Preview, Subject, make_preview
from gui.pages.pairs.plain_choices import frames_text
from gui.pages.pairs.sequence_list import SequenceList
from gui.state import Session
from gui.widgets import EmptyState, Label, WrappedLabel
from gui.workers import NOW, SOON
from pipeline.project.analysis import analysis, candidate, covered_frames, rain_amounts
from pipeline.project.clips import clip

if TYPE_CHECKING:
    from pipeline.export import Estimate, ExportSettings

PAUSE = 250
"""Milliseconds without a change before preview and estimate are made: settings are typed."""

GLANCE = 50
"""Milliseconds on a frame before its preview is made: arrow keys repeat."""

NO_PROJECT = "No project is open."


class PairsPage(QWidget):
    """Put list, picker, preview, form and export together. Nothing is loaded before the page is visible.

    Signal `to_desk`: a person wants to decide on the desk.

    Args:
        settings: where the form is remembered.
    """

    to_desk = Signal()

    def __init__(self, session: Session, jobs: Jobs, settings: QSettings) -> None:
        super().__init__()
        self._session = session
        self._opened: Path | None = None
        self._target: int | None = None
        self._subject: Subject | None = None
        self._preview: Preview | None = None
        self._refused = ""
        self._wanted: Path | None = None
        self._ready = False
        self.sequences = SequenceList(session)
        self.empty = EmptyState("pairs")
        self.picker = FramePicker(session.workers)
        self.preview = CropPreview()
        self.form, self.run = ExportForm(settings), ExportRun(jobs)
        self.form.setEnabled(False)
        self.run.refuse(NO_PROJECT)
        self.amount = WrappedLabel(name="Estimate")
        self.amount.setToolTip(
            "Estimate for all accepted sequences; the size is computed from the images in the project"
        )
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._glance = QTimer(self, singleShot=True, interval=GLANCE)
        self._lay_out()
        for signal in (
            session.opened, session.selection_changed, session.detail_changed, session.sequences_changed,
            session.draft_changed,
        ):  # fmt: skip
            signal.connect(self._refresh)
        self.sequences.to_desk.connect(self.to_desk)
        self.empty.asked.connect(self.to_desk)
        self.picker.chosen.connect(self.choose)
        self.picker.focused.connect(lambda _: self._glance.start())
        self.form.changed.connect(self._form_changed)
        self.run.asked.connect(self._export)
        # After the layout has made room for it.
        self.run.ended.connect(lambda: QTimer.singleShot(GLANCE, self, self._show_outcome))
        self._pause.timeout.connect(self._update_preview_and_amount)
        self._glance.timeout.connect(lambda: self._update_crops(self._asked()))

    def showEvent(self, event: QShowEvent) -> None:
        """Load what is visible now."""
        super().showEvent(event)
        if self._ready:
            self._refresh()
        else:
            self._session.workers.run(_load, self._loaded)

    def _loaded(self, _: None) -> None:
        self._ready = True
        self._refresh()

    def open_export(self, folder: Path) -> None:
        """Fill in the folder of an earlier export, and show what was exported to it."""
        self._wanted = folder
        self._refresh()

    def open_result(self, job: Job) -> None:
        """Show the export of a job."""
        if (place := outcome_of(job.arguments, job.result).place) is not None:
            self.open_export(place)

    def choose(self, frames: Sequence[int] | None) -> None:
        """Choose the frames of the selected sequence; the choice is stored at once and can be undone.

        Args:
            frames: indices in the clip, None for those of the settings.
        """
        summary = self._session.summary
        if summary is not None and self._subject is not None:
            self._session.change(lambda editor: editor.choose_frames(summary.sequence, frames))

    # -- bringing the page up to date ----------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Load what has changed of project, sequence, decision and draft, if the page is visible."""
        if not self.isVisible() or not self._ready:
            if self._target != self._session.selected:
                self.picker.load(None, None)  # nobody will see what is still being loaded
            return
        project, self._target = self._session.project, self._session.selected
        folder = project.folder if project is not None else None
        if folder != self._opened:
            self._opened, self._preview, self._refused = folder, None, ""
            if project is not None:
                self.form.open(project.folder, project.uuid)
            self.form.setEnabled(project is not None)
            self.run.open(folder)
            self._clear_amount()
        if self._wanted is not None and project is not None:
            wanted, self._wanted = self._wanted, None
            self.form.set_folder(wanted)
            self.run.show_written(wanted)
            QTimer.singleShot(GLANCE, self, self._show_outcome)
        self.sequences.refresh()
        self._subject, rain = self._read_subject()
        subject_analysis = self._subject.analysis if self._subject is not None else None
        self.picker.set_frames(rain, covered_frames(subject_analysis) if subject_analysis is not None else ())
        self.picker.load(folder, self._subject)
        self._show_empty()
        self._mark()
        self._update_refusal()
        self._pause.start()

    def _show_empty(self) -> None:
        """Show one sentence and one action where there is no frame to show."""
        self._stack.setCurrentIndex(0 if self._subject is not None else 1)
        summary, action, tip = self._session.summary, "Open the desk", "Show the desk (Ctrl+1)"
        if self._session.project is None:
            self.empty.show_text(NO_PROJECT)
        elif self._session.blind:
            self.empty.show_text("Pairs are hidden during a second opinion.", action, tip)
        elif not self._session.summaries:
            self.empty.show_text("Pairs are made of clips, and this project has none yet.", action, tip)
        elif summary is None:
            self.empty.show_text("Select a sequence in the list.")
        else:
            self.empty.show_text(f"{summary.sequence.name} has no clean image yet.", action, tip)

    def _read_subject(self) -> tuple[Subject | None, dict[int, float]]:
        """Return the source of the selected sequence's pairs, and the rain amounts of its frames in grey levels."""
        summary, project, picture = self._session.summary, self._session.project, self._picture()
        if summary is None or project is None or picture is None:
            return None, {}
        chosen = candidate(project, picture[0])
        its_analysis, its_clip = analysis(project, chosen.analysis_id), clip(project, summary.sequence.clip_id)
        frames = range(summary.sequence.first, summary.sequence.stop)
        amounts = zip(frames, rain_amounts(project, its_analysis.id), strict=False)
        rain = {frame: amount for frame, amount in amounts if amount is not None}
        subject = Subject(
            clip_id=its_clip.id,
            content=its_clip.content,
            region=its_analysis.region,
            picture=chosen.picture,
            exclude=picture[1],
            analysis=its_analysis,
        )
        return subject, rain

    def _picture(self) -> tuple[int, str] | None:
        """Return candidate and exclusion mask as the export uses them; before a decision the first candidate."""
        session = self._session
        if session.summary is None or session.blind:
            return None
        decision = session.summary.decision
        if decision is not None and decision.verdict == "accepted" and decision.candidate_id is not None:
            return decision.candidate_id, decision.exclude
        return (session.detail.candidates[0].id, "") if session.detail.candidates else None

    def _asked(self) -> "ExportSettings | None":
        return self.form.settings() if self._opened is not None and self._ready else None

    def _mark(self) -> None:
        """Check the frames that are chosen for export."""
        asked, rain, own = self._asked(), self.picker.frames.rain, self._session.detail.draft.frames
        if own is not None:
            self.picker.mark(self._title(), rain.keys() & set(own), None)
        elif asked is not None:
            chosen = asked.frames.choose(list(rain), list(rain.values()), self.picker.covered)
            self.picker.mark(self._title(), chosen, frames_text(asked.frames.text).lower())
        else:
            self.picker.mark(self._title(), (), "")

    def _title(self) -> str:
        session = self._session
        if session.summary is None:
            return "No sequence selected"
        name = session.summary.sequence.name
        if session.blind:
            return f"{name}: pairs are hidden during a second opinion"
        return f"{name}: rainy frames, lightest rain first" if self._subject else f"{name}: not analysed yet"

    def _update_refusal(self) -> None:
        """Say why no export is possible now, before anybody presses the button."""
        if self._session.project is None:
            self.run.refuse(NO_PROJECT)
            return
        person_only = self.form.person_only.isChecked()
        decisions = (summary.decision for summary in self._session.summaries.values())
        if any(d and d.verdict == "accepted" and (d.kind == "person" or not person_only) for d in decisions):
            self.run.refuse(self.form.refusal() or self._refused)
        else:
            by_person = " by a person" if person_only else ""
            self.run.refuse(f"Nothing is accepted{by_person} yet. Accept a candidate on the desk first.")

    # -- preview, estimate, export -------------------------------------------------------------------------------

    def _form_changed(self) -> None:
        self._refused = ""
        self._mark()
        self._update_refusal()
        self._pause.start()
        QTimer.singleShot(0, self, self._show_wrong)

    def _show_wrong(self) -> None:
        """Scroll to what is wrong with the field that a person is typing in: it is below the field."""
        focus = QApplication.focusWidget()
        for line in self.form.errors.values():
            both = line.parentWidget()
            if line.isVisible() and both is not None and focus is not None and both.isAncestorOf(focus):
                self._scroll.ensureWidgetVisible(line, 0, GAP)

    def _update_preview_and_amount(self) -> None:
        """Make preview and estimate in the background; those for older settings are cancelled."""
        asked = self._asked()
        if not self.isVisible():
            return
        if asked is None:
            self._session.workers.cancel("pairs-estimate")
            self._session.workers.cancel("pairs-preview")
            self._clear_amount()
            self.preview.show_preview(None)
            return
        self._update_crops(asked)
        self._update_amount(asked)

    def _update_crops(self, asked: "ExportSettings | None") -> None:
        if asked is None:
            return
        folder, subject, frame, known = self._opened, self._subject, self.picker.strip.frame, self._preview
        if folder is None or subject is None or frame is None:
            self._session.workers.cancel("pairs-preview")
            self._preview = None
            self.preview.show_preview(None)
            return
        self._session.workers.run(
            lambda: make_preview(folder, subject, frame, asked.crops, known, rules=asked.exclusion),
            self._show_preview,
            lambda error: self.preview.show_preview(None, in_window(str(error))),
            lane="pairs-preview",
            urgency=NOW,
        )

    def _show_preview(self, preview: Preview) -> None:
        self._preview = preview
        decision = self._session.summary.decision if self._session.summary else None
        if decision is None or decision.verdict != "accepted":
            note = "no candidate is accepted yet, so the first one is shown"
        else:
            note = "" if preview.frame in self.picker.frames.chosen else "this frame is not chosen for export"
        self.preview.show_preview(preview, note)

    def _update_amount(self, asked: "ExportSettings") -> None:
        from pipeline.export import estimate
        from pipeline.project.storage import Project

        folder = self._opened
        assert folder is not None

        def work() -> "Estimate":
            with Project.again(folder) as project:
                return estimate(project, asked)

        self._session.workers.run(work, self._show_amount, self._show_refusal, lane="pairs-estimate", urgency=SOON)

    def _show_amount(self, amount: "Estimate") -> None:
        self._refused = ""
        self.amount.setText(estimate_text(amount))
        person_only = self.form.person_only.isChecked()
        self.sequences.set_counts(amount.by_sequence, exact=amount.exact, person_only=person_only)
        self._update_refusal()

    def _show_refusal(self, error: Exception) -> None:
        self._refused = in_window(str(error))
        self._clear_amount()
        self._update_refusal()

    def _clear_amount(self) -> None:
        self.amount.clear()
        self.sequences.set_counts(None, exact=True, person_only=self.form.person_only.isChecked())

    def _export(self) -> None:
        if self._opened is not None and self._asked() is not None:
            self.run.start(self.form.arguments(), self._opened, self.form.folder)

    def _show_outcome(self) -> None:
        """Scroll to what the export has written."""
        self._scroll.ensureWidgetVisible(self.run.open_folder if self.run.open_folder.isVisible() else self.run.result)

    def _lay_out(self) -> None:
        form = QWidget()
        column = QVBoxLayout(form)
        column.setContentsMargins(0, 0, GAP, 0)
        column.setSpacing(GAP)
        for part in (self.form, self.run.outcome):
            column.addWidget(part)
        column.addStretch(1)
        self._scroll = QScrollArea(widgetResizable=True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setAccessibleName("Settings of the export")
        self._scroll.setWidget(form)
        title = Label("Export")
        title.setFont(sized("title"))
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(GAP, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(title)
        column.addWidget(self._scroll, 1)
        for part in (self.amount, self.run):
            column.addWidget(part)
        side.setMinimumWidth(340)
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(GAP, 0, GAP, 0)
        column.setSpacing(GAP)
        column.addWidget(self.picker)
        column.addWidget(self.preview, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(middle)
        self._stack.addWidget(self.empty)
        split = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        for part in (self.sequences, self._stack, side):
            split.addWidget(part)
        split.setStretchFactor(1, 1)
        split.setSizes([216, 800, 404])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, GAP)
        layout.addWidget(split)


def _load() -> None:
    """Import in the background what takes half a second."""
    from pipeline.export import estimate  # noqa: F401
    from rainclean.dataset import FrameChoice  # noqa: F401
