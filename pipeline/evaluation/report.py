"""report.json of an evaluation, as records."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.evaluation.analysis import ComparisonRow, RainRow, Statistics
from pipeline.evaluation.gallery import Case
from pipeline.evaluation.scores import SummaryRow
from rainclean.metrics import Protocol


@dataclass(frozen=True, kw_only=True)
class EvaluatedData:
    """The pairs that were scored. scenes: number of known ones."""

    name: str
    path: str
    layout: str
    pairs_sha256: str
    split: str
    pairs: int
    scenes: int
    pairs_with_exclusion_mask: int


@dataclass(frozen=True)
class MethodRecord:
    """A method: its name in tables, what it is for a person, and its identity (`Derainer.identity`)."""

    name: str
    description: str = "the unprocessed rainy images"
    identity: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the values for report.json."""
        return {"name": self.name, **self.identity}


@dataclass(frozen=True)
class Ranking:
    """The method and the protocol that rank the gallery, and the number of its pictures."""

    method: str
    protocol: str
    shown: int


@dataclass(frozen=True, kw_only=True)
class EvaluationReport:
    """The content of report.json.

    protocols: by name, in the order of columns. summary: means over all pictures. comparisons: of all pairs of methods.
    by_rain: means by rain amount. cases: worst first. files: names below the folder. sums: their SHA-256.
    """

    rainclean: str
    versions: Mapping[str, str]
    dataset: EvaluatedData
    methods: tuple[MethodRecord, ...]
    protocols: Mapping[str, Protocol]
    worst: Ranking
    summary: tuple[SummaryRow, ...]
    statistics: Statistics
    comparisons: tuple[ComparisonRow, ...]
    by_rain: tuple[RainRow, ...]
    notes: tuple[str, ...]
    cases: tuple[Case, ...] = ()
    files: tuple[str, ...] = ()
    sums: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the values for report.json."""
        return {
            "rainclean": self.rainclean,
            "versions": dict(self.versions),
            "dataset": asdict(self.dataset),
            "methods": [method.to_json() for method in self.methods],
            "protocols": {name: _protocol_json(protocol) for name, protocol in self.protocols.items()},
            "worst": asdict(self.worst),
            "summary": [asdict(row) for row in self.summary],
            "statistics": self.statistics.to_json(),
            "comparisons": [asdict(row) for row in self.comparisons],
            "by_rain": [asdict(row) for row in self.by_rain],
            "notes": list(self.notes),
            "cases": [case.to_json() for case in self.cases],
            "files": list(self.files),
            "sums": dict(self.sums or {}),
        }


def _protocol_json(protocol: Protocol) -> dict[str, Any]:
    """Return a protocol for report.json, where its description is called ``words``."""
    document = asdict(protocol)
    document["words"] = document.pop("description")
    return document
