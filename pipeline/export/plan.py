"""Plan an export: its sequences, their decisions, and the split of each scene."""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, asdict, astuple, dataclass, field
from typing import Any

from pipeline.export.exclusions import ExclusionRules
from pipeline.project.analysis import (
    analysis,
    candidate,
    covered_frames,
    rain_amounts,
    repeats_of,
    verdict_of,
)
from pipeline.project.clips import clip, lookalikes, sequences
from pipeline.project.decisions import AUTOMATIC, Agreement, Judgements, agreements, current, judgements
from pipeline.project.editing import pair_frames
from pipeline.project.exchange import advice, faults
from pipeline.project.model import Analysis, Clip, Decision, StoredCandidate
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.text_format import counted, few, quoted
from rainclean import __version__
from rainclean.candidates.estimators import NearEstimator, find_estimator
from rainclean.confidence import ERROR
from rainclean.dataset import CropChoice, FrameChoice, Layout, layout, split_scenes
from rainclean.errors import RaincleanError, UsageError
from rainclean.verdict import Verdict

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
"""Default shares of the scenes, where the layout has three splits."""

TWO_SHARES = {"train": 0.8, "test": 0.2}
"""Default shares where it has two."""


@dataclass(frozen=True)
class ExportSettings:
    """Settings of an export.

    Attributes:
        layout: Name of a layout.
        sides: Names of its two folders, such as "input,gt", for layouts that have a choice; "" for the usual ones.
        frames, crops: Choice of rainy frames, and of crops in them.
        shares: Split → share of the scenes; None for the layout's default.
        seed: Of the split.
        person_only: Leave out automatic choices.
        names: Only these sequences; empty for all.
        confidence: Write confidence pictures.
        keep_moving, max_error: As in `ExclusionRules`.
        preview: Write animations and a contact sheet of each scene.
    """

    layout: str
    frames: FrameChoice = field(default_factory=FrameChoice)
    crops: CropChoice = field(default_factory=CropChoice)
    _: KW_ONLY
    sides: str = ""
    shares: dict[str, float] | None = None
    seed: int = 0
    person_only: bool = False
    names: tuple[str, ...] = ()
    confidence: bool = True
    keep_moving: bool = False
    max_error: float | None = None
    preview: bool = False

    @property
    def arrangement(self) -> Layout:
        """Return the layout with its settings. Raises UsageError for sides that it does not have."""
        return layout(self.layout).with_sides(self.sides)

    @property
    def exclusion(self) -> ExclusionRules:
        """Return the rules for exclusions beside what a person marked."""
        return ExclusionRules(self.keep_moving, self.max_error)

    def to_json(self) -> dict[str, Any]:
        """Return all settings as values for JSON; the shares are those in use."""
        return {
            "layout": self.layout,
            **({"sides": self.sides} if self.sides else {}),
            "frames": self.frames.text,
            "crops": self.crops.text,
            "smallest_rain_share": self.crops.smallest_rain_share,
            "most_excluded": self.crops.most_excluded,
            "crops_seed": self.crops.seed,
            "shares": self.split_shares(),
            "seed": self.seed,
            "person_only": self.person_only,
            "sequences": list(self.names),
            "confidence": self.confidence,
            "keep_moving": self.keep_moving,
            "max_error": self.max_error,
            "preview": self.preview,
        }

    def split_shares(self) -> dict[str, float]:
        """Return the shares of the scenes, by split. Raises UsageError for a split that the layout does not have."""
        chosen = self.arrangement
        shares = self.shares or (SHARES if "val" in chosen.splits else TWO_SHARES)
        chosen.check_splits(shares)
        return shares


@dataclass(frozen=True, kw_only=True)
class Item:
    """One sequence of an export with its decision.

    Attributes:
        rain: Rain amount of each frame, grey levels; None for an unusable frame.
        scene_number, sequence_number, first_number: Name its pairs. The sequence is numbered within its scene. The
            frame with index i has the number first_number + i − sequence.first, which is i unless an earlier sequence
            of its scene uses such numbers.
        frames: Rainy frames that a person chose instead of the settings; None where nobody did.
        opinions, agreeing: Number of other people who judged the sequence, and of those who agree with the decision.
    """

    sequence: ClipSequence
    clip: Clip
    analysis: Analysis
    candidate: StoredCandidate
    decision: Decision
    rain: list[float | None]
    split: str
    scene_number: int
    sequence_number: int
    first_number: int
    frames: tuple[int, ...] | None
    opinions: int
    agreeing: int

    @property
    def verdict(self) -> Verdict | None:
        """Return the verdict on the analysis of its clean image; None where an older rainclean analysed it."""
        return verdict_of(self.analysis.verdict)

    @property
    def amounts(self) -> dict[int, float]:
        """Return the rain amounts of the usable frames, by index in the clip.

        For near frames, only the reference frame is usable: others show near objects at other places.
        """
        frames = range(self.sequence.first, self.sequence.stop)
        if self.of_near_frames:
            at = self.analysis.reference_frame
            return {at: self.rain[at - self.sequence.first] or 0.0} if at in frames else {}
        return {frame: amount for frame, amount in zip(frames, self.rain, strict=True) if amount is not None}

    @property
    def of_near_frames(self) -> bool:
        """Return whether its clean image shows one moment only."""
        return isinstance(find_estimator(self.candidate.recipe.rule), NearEstimator)

    @property
    def repeated(self) -> int:
        """Return the number of frames that repeat another one."""
        missing = (self.sequence.first + place for place, amount in enumerate(self.rain) if amount is None)
        return len(set(missing) & repeats_of(self.analysis).keys())

    def choose(self, choice: FrameChoice, amounts: Mapping[int, float]) -> list[int]:
        """Choose usable frames: those that a person chose, else by the settings."""
        if self.frames is not None:
            repeats = repeats_of(self.analysis)
            return [frame for frame in sorted({repeats.get(f, f) for f in self.frames}) if frame in amounts]
        return choice.choose(list(amounts), list(amounts.values()), covered_frames(self.analysis))

    def identity(self) -> list[Any]:
        """Return everything that its pairs depend on beside the settings."""
        s = self.sequence
        return [
            s.id, s.name, s.scene, s.scene_by, s.first, s.stop, s.source, s.author, s.licence, s.consent, s.notes,
            self.clip.content, self.clip.path.name, self.candidate.recipe_hash, self.candidate.picture,
            list(self.analysis.region), self.decision.uuid, self.split, self.scene_number, self.sequence_number,
            self.first_number,
            self.frames, self.opinions, self.agreeing, self.clip.colours,
            *astuple(self.analysis.findings),
        ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that an export depends on.

    project: its uuid. splits: scene → split. notes: what it leaves out, and what is doubtful. agreement: of people on
    the sequences that were asked for.
    """

    settings: ExportSettings
    project: str
    items: tuple[Item, ...]
    splits: dict[str, str]
    notes: tuple[str, ...]
    agreement: tuple[Agreement, ...]

    @property
    def hash(self) -> str:
        """Return the identity of the export: same hash, same bytes."""
        people = [asdict(each) for each in self.agreement]
        items = [item.identity() for item in self.items]
        text = json.dumps([self.settings.to_json(), versions(), ERROR, self.project, items, people])
        return hashlib.sha256(text.encode()).hexdigest()


def plan_export(project: Project, settings: ExportSettings) -> Plan:
    """Read the decisions of one moment and plan the export.

    Raises:
        RaincleanError: Nothing is decided.
        UsageError: Settings do not fit the layout or the clips.
    """
    shares = settings.split_shares()
    with project.snapshot():
        decisions = current(project)
        chosen = sequences(project, settings.names)
        accepted = [s for s in chosen if _is_wanted(decisions.get(s.id), settings)]
        unsound = faults(project)
        unusable = [_unusable(project, s, unsound[s.id]) for s in accepted if s.id in unsound]
        accepted = [s for s in accepted if s.id not in unsound]
        if unusable and not accepted:
            raise RaincleanError(unusable[0])
        if not accepted:
            raise RaincleanError(_nothing(project, chosen, decisions, settings))
        large = [s for s in accepted if _has_room(project, s, decisions, settings)]
        if not large:
            raise UsageError(f"crops {settings.crops.text}: larger than every clip; choose smaller ones")
        splits = split_scenes([s.scene for s in large], shares, settings.seed)
        judged = judgements(project, [s.id for s in chosen])
        items = tuple(_items(project, large, decisions, splits, judged))
        sound = [s for s in chosen if s.id not in unsound]
        notes = [*unusable, *_left_out(sound, accepted, large, decisions), *_doubts(project, items, settings.max_error)]
        return Plan(
            settings=settings,
            project=project.uuid,
            items=items,
            splits=splits,
            notes=tuple(notes),
            agreement=tuple(agreements(judged)),
        )


def empty_splits(settings: ExportSettings, scenes: Mapping[str, int], total: int) -> list[str]:
    """Return a note for each split with a share that no scene has pairs for.

    Args:
        settings: Of the export.
        scenes: Number of scenes with pairs, by split.
        total: Number of scenes in all splits.
    """
    return [
        f"no scene is left for {split}: {counted(total, 'scene')} in all; add clips of other scenes, or leave {split} "
        "out of the split"
        for split, share in settings.split_shares().items()
        if share and not scenes[split]
    ]


def _unusable(project: Project, sequence: ClipSequence, why: str) -> str:
    return f"{sequence.name}: what was decided cannot be used, {why}; {advice(quoted(project.folder), sequence.name)}"


def versions() -> dict[str, str]:
    """Return the versions that the bytes of an export depend on."""
    import av
    import cv2
    import lmdb
    import numpy as np
    import pyarrow

    return {
        "rainclean": __version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "lmdb": ".".join(map(str, lmdb.version())),
        "av": av.__version__,
        "ffmpeg": ".".join(map(str, av.library_versions["libavcodec"])),
        "pyarrow": pyarrow.__version__,
        "machine": platform.machine(),
    }


def _is_wanted(decision: Decision | None, settings: ExportSettings) -> bool:
    if decision is None or decision.verdict != "accepted":
        return False
    return decision.kind == "person" or not settings.person_only


def _has_room(
    project: Project, sequence: ClipSequence, decisions: dict[int, Decision], settings: ExportSettings
) -> bool:
    """Return whether a crop fits into a sequence's clean image."""
    if settings.crops.size is None:
        return True
    chosen = candidate(project, decisions[sequence.id].candidate_id or 0)
    region = analysis(project, chosen.analysis_id).region
    return settings.crops.size[0] <= region.width and settings.crops.size[1] <= region.height


def _left_out(
    chosen: Sequence[ClipSequence],
    accepted: Sequence[ClipSequence],
    large: Sequence[ClipSequence],
    decisions: dict[int, Decision],
) -> Iterator[str]:
    taken, roomy = {s.id for s in accepted}, {s.id for s in large}
    others = [s for s in chosen if s.id not in taken]
    rejected = [s.name for s in others if s.id in decisions and decisions[s.id].verdict == "rejected"]
    automatic = [s.name for s in others if s.id in decisions and decisions[s.id].verdict == "accepted"]
    undecided = [s.name for s in others if s.id not in decisions]
    small = [s.name for s in accepted if s.id not in roomy]
    for names, why in (
        (undecided, "not decided on"),
        (rejected, "rejected"),
        (automatic, "chosen automatically"),
        (small, "smaller than the crops"),
    ):
        if names:
            yield f"{counted(len(names), 'sequence')} left out, {why}: {few(names)}"


def _doubts(project: Project, items: Sequence[Item], max_error: float | None) -> Iterator[str]:
    """Yield notes on what a person should check before others use the data."""
    split = {item.sequence.name: item.split for item in items}
    suggested = [item.sequence.name for item in items if item.sequence.scene_by == "suggestion"]
    if suggested:
        yield f"scene suggested, not confirmed (rainclean describe --scene): {few(suggested)}"
    for one, other in lookalikes(project):
        if one in split and other in split and split[one] != split[other]:
            yield f"{one} ({split[one]}) looks like {other} ({split[other]}): if that is one place, give them one scene"
    unsteady = [(item, item.rain.count(None) - item.repeated) for item in items]
    repeated = [(item, item.repeated) for item in items]
    for found, what in (
        (unsteady, "cannot be stabilized make no pairs"),
        (repeated, "repeat the one before make no pairs of their own"),
    ):
        named = [f"{item.sequence.name} {many} of {len(item.rain)}" for item, many in found if many]
        if named:
            yield f"frames that {what}: {few(named)}"
    if changed := [i.sequence.name for i in items if i.analysis.chosen != i.sequence.chosen]:
        yield f"frames or region changed since the analysis, analyse again: {few(changed)}"
    if near := [item.sequence.name for item in items if item.of_near_frames]:
        made_of = "made of the neighbouring frames of the reference frame"
        yield f"{made_of}, so only the reference frame makes a pair: {few(near)}"
    for state, what in (("unfit", "accepted although their verdict is unfit"), (None, "no verdict yet: analyse again")):
        if names := [i.sequence.name for i in items if (i.verdict.state if i.verdict else None) == state]:
            yield f"{what}: {few(names)}"
    if max_error is not None:
        unknown = [item.sequence.name for item in items if not item.analysis.posterior_sd]
        if unknown:
            yield (
                "no expected error is known (analysed by an older rainclean, or without a rain-free mean), so "
                f"--max-error excludes nothing: {few(unknown)}"
            )
    unlicensed = [item.sequence.name for item in items if not item.sequence.licence]
    if unlicensed:
        yield f"no licence is given (rainclean describe --licence) for {few(unlicensed)}"


def _nothing(
    project: Project, chosen: Sequence[ClipSequence], decisions: dict[int, Decision], settings: ExportSettings
) -> str:
    here = quoted(project.folder)
    if not chosen:
        return f"{project.folder}: no sequences; next: rainclean add {here} CLIP…"
    rejected = sum(s.id in decisions and decisions[s.id].verdict == "rejected" for s in chosen)
    if rejected == len(chosen):
        return f"{project.folder}: all requested sequences are rejected ({few([s.name for s in chosen])})"
    which = "none of these sequences" if settings.names else "no sequence"
    by = "accepted by a person" if settings.person_only else "accepted"
    auto = "" if settings.person_only else ", or --auto"
    return f"{project.folder}: {which} is {by}; choose with: rainclean select {here} SEQUENCE --candidate NAME{auto}"


def _items(
    project: Project,
    accepted: Sequence[ClipSequence],
    decisions: dict[int, Decision],
    splits: dict[str, str],
    judged: Judgements,
) -> list[Item]:
    frames = pair_frames(project)
    numbers = {scene: number for number, scene in enumerate(sorted(splits))}
    next_number = dict.fromkeys(splits, 0)
    next_sequence = dict.fromkeys(splits, 0)
    items = []
    for sequence in accepted:
        decision = decisions[sequence.id]
        assert decision.candidate_id is not None
        chosen = candidate(project, decision.candidate_id)
        # Numbers of frames are unique within a scene, over all its sequences.
        first_number = max(sequence.first, next_number[sequence.scene])
        next_number[sequence.scene] = first_number + sequence.frame_count
        others = [
            labels[sequence.id]
            for who, labels in judged.items()
            if sequence.id in labels and who not in (AUTOMATIC, decision.who)
        ]
        items.append(
            Item(
                sequence=sequence,
                clip=clip(project, sequence.clip_id),
                analysis=analysis(project, chosen.analysis_id),
                candidate=chosen,
                decision=decision,
                rain=rain_amounts(project, chosen.analysis_id),
                split=splits[sequence.scene],
                scene_number=numbers[sequence.scene],
                sequence_number=next_sequence[sequence.scene],
                first_number=first_number,
                frames=frames.get(sequence.id),
                opinions=len(others),
                agreeing=others.count(chosen.picture),
            )
        )
        next_sequence[sequence.scene] += 1
    return items
