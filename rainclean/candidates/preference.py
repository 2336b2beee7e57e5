"""What people prefer among candidates, learned from what they chose.

Each judgement says that one candidate was preferred to each of the others that were there: pairs, from which a logistic
model of a few features of the candidates is fitted (Bradley and Terry 1952; Luce 1959 for the choice among several).
Its weights are drawn towards the order of the scores (ridge), so that little evidence changes little. It speaks only
where it does better than the scores on sequences that it has not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.candidates.defects import OUR_DEFECTS
from rainclean.candidates.estimators import estimators

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

DEFECTS = tuple(defect.name for defect in OUR_DEFECTS)
"""Columns of `Table.defects`; what was registered from outside takes part by the order of the scores alone."""

RULES = (*(estimator.rule for estimator in estimators() if estimator.learned), "other")
"""How a candidate was made, a percentile first; a rule that is not among them is "other"."""

FEATURES = ("place", "place_of_alike", *DEFECTS, "offset", "distance", "frames", *RULES[1:])
"""Columns of `features`."""

LEAST = 12
"""Sequences that must be judged before anything is said."""

EVIDENCE = 2.5
"""Standard errors by which the mean advantage on sequences left out must exceed 0: asked again with every judgement,
so more than the usual 1.6."""

RIDGE = 1.0
"""Weights are drawn to the order of the scores as by so many choices between two candidates, 2 apart in a feature."""

TOTAL_FLOOR = 0.05
_DEFECT_FLOOR = 0.02
"""Grey levels: candidates nearer to each other than that are told apart by noise."""

_ALIKE = 1.0
_STEPS = 30
_SHARPNESS = 2.0 ** np.linspace(-4, 3, 29)

Order = Literal["learned", "scores"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """Candidates of several line-ups, those of one next to each other.

    starts: (S + 1,) int64, rows of line-up s are starts[s] to starts[s + 1] − 1, at least one. defects: (K, 4) float64
    in grey levels, columns as DEFECTS. rank: (K,) float64, place in the order of the scores, 1 the best. percentile,
    eta: (K,) float64. frames: (K,) float64, N. rule: (K,) int64, index in RULES. spread: (S,) float64, how far the
    other candidates lie from the best-scored one, grey levels.
    """

    starts: I64
    defects: F64
    rank: F64
    percentile: F64
    eta: F64
    frames: F64
    rule: I64
    spread: F64

    @property
    def group(self) -> I64:
        """(K,) int64, the line-up of each row."""
        return np.repeat(np.arange(len(self.spread)), np.diff(self.starts))


@dataclass(frozen=True)
class Judgement:
    """Somebody chose a candidate. chosen, others: rows of a `Table`. sequence: what is left out together."""

    chosen: int
    others: tuple[int, ...]
    sequence: int


@dataclass(frozen=True, eq=False)
class Preference:
    """A fitted model. weights: (F,) float64, columns as FEATURES; covariance: (F, F), how sure they are.

    sharpness: factor on differences in utility, so that probabilities are those of sequences that were left out.
    order: "learned", or "scores" where what was learned is only how far the order of the scores can be relied on.
    """

    weights: F64
    covariance: F64
    sharpness: float
    order: Order

    def utilities(self, table: Table) -> F64:
        """(K,) float64, the higher, the more likely to be chosen."""
        found: F64 = features(table) @ self.weights
        return found

    def tops(self, table: Table) -> "Tops":
        """Return the two rows of each line-up that a person chooses most likely."""
        values = features(table)
        utility, group = values @ self.weights, table.group
        order = np.lexsort((table.rank, -utility, group))
        first = order[table.starts[:-1]]
        second = order[np.minimum(table.starts[:-1] + 1, table.starts[1:] - 1)]
        apart = values[first[group]] - values
        odds = np.exp(np.minimum(-self.sharpness * self._moderated(apart), 700.0))
        return Tops(first, second, 1 / np.add.reduceat(odds, table.starts[:-1]))

    def _moderated(self, differences: F64) -> F64:
        return _moderated(differences, differences @ self.weights, self.covariance)


class Tops(NamedTuple):
    """The first two rows of each line-up in the order of a preference.

    Attributes:
        first: (S,) int64 rows.
        second: (S,) int64 rows; the first again where there is no other.
        chance: (S,) float64 0…1, how likely a person chooses the first.
    """

    first: I64
    second: I64
    chance: F64


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What was learned, and from how much. hits, hits_of_scores: judged sequences, each left out in turn, of which the
    model and the order of the scores put first what was chosen (a sequence judged by several counts in shares).
    preference: None while there is nothing to be said.
    """

    sequences: int
    judgements: int
    hits: float
    hits_of_scores: float
    preference: Preference | None


def features(table: Table) -> F64:
    """(K, F) float64: what a candidate is beside the others of its line-up, columns as FEATURES, about −2 to 2.

    "place" is the total score; where candidates are not ordered by it, the totals are dealt out anew in the order that
    they have. "place_of_alike" is the same where candidates hardly differ, near 0 elsewhere.
    """
    group, total = table.group, table.defects.sum(axis=1)
    dealt = np.empty_like(total)
    dealt[np.lexsort((table.rank, group))] = total[np.lexsort((total, group))]
    place = _standard(dealt[:, None], table, TOTAL_FLOOR)[:, 0]
    by_percentile = table.rule == 0
    offset = np.where(by_percentile, np.clip((table.percentile - table.eta) / 10, -3, 3), 0.0)
    return np.column_stack(
        [
            place,
            place * closeness(table)[group],
            _standard(table.defects, table, _DEFECT_FLOOR),
            offset,
            np.abs(offset),
            np.log2(np.maximum(table.frames, 2) / 100) / 2,
            *(table.rule == number for number in range(1, len(RULES))),
        ]
    )


def learn(table: Table, judgements: Sequence[Judgement]) -> Lesson:
    """Fit a model to judgements; it says nothing before it has seen enough, see `Lesson.preference`.

    A judgement without others says nothing and is left out.
    """
    judged = sorted((j for j in judgements if j.others), key=lambda j: j.sequence)
    sequences = len({j.sequence for j in judged})
    if sequences < LEAST:
        return Lesson(sequences=sequences, judgements=len(judged), hits=0.0, hits_of_scores=0.0, preference=None)
    pairs = _Pairs.from_judgements(table, judged)
    prior = np.zeros(len(FEATURES))
    prior[0] = -1.0
    weights, hessian = _fit(pairs, prior)
    left_out = _left_out(pairs, weights, hessian)
    covariance: F64 = np.linalg.inv(hessian).astype(np.float64)
    margins = _moderated(pairs.differences, left_out, covariance)
    by_scores = pairs.ranks
    hits, hits_of_scores = pairs.hits(left_out), pairs.hits(by_scores)
    lesson = Lesson(
        sequences=sequences,
        judgements=len(judged),
        hits=float(hits.sum()),
        hits_of_scores=float(hits_of_scores.sum()),
        preference=None,
    )
    ahead = pairs.of_sequence(pairs.beaten(left_out) - pairs.beaten(by_scores))
    if hits.sum() >= hits_of_scores.sum() and _sure(ahead):
        sharpness = _sharpness(pairs, margins)
        return replace(lesson, preference=Preference(weights, covariance, sharpness, "learned"))
    # Where people follow the scores there is nothing to improve, but it is known how far they do.
    along = -pairs.differences[:, 0]
    sharpness = _sharpness(pairs, along)
    gained = pairs.of_sequence(pairs.likelihood(sharpness * along) + np.log(pairs.sizes + 1))
    if _sure(gained):
        return replace(lesson, preference=Preference(prior, np.zeros((len(prior), len(prior))), sharpness, "scores"))
    return lesson


@dataclass(frozen=True, eq=False, kw_only=True)
class _Pairs:
    """Chosen against each other one.

    differences: (P, F) of features; ranks: (P,) places that the chosen one is ahead in the order of the scores;
    judgement: (P,) index; first: (J,) first pair of each judgement; sizes: (J,) pairs of it; sequence: (J,) index of
    its sequence, rising; weight: (P,).
    """

    differences: F64
    ranks: F64
    judgement: I64
    first: I64
    sizes: I64
    sequence: I64
    weight: F64

    @classmethod
    def from_judgements(cls, table: Table, judged: list[Judgement]) -> "_Pairs":
        sizes = np.array([len(j.others) for j in judged])
        chosen = np.repeat([j.chosen for j in judged], sizes)
        others = np.concatenate([j.others for j in judged]).astype(np.int64)
        values = features(table)
        _, sequence = np.unique([j.sequence for j in judged], return_inverse=True)
        return cls(
            differences=values[chosen] - values[others],
            ranks=table.rank[others] - table.rank[chosen],
            judgement=np.repeat(np.arange(len(judged)), sizes),
            first=np.concatenate([[0], np.cumsum(sizes)[:-1]]),
            sizes=sizes,
            sequence=sequence.astype(np.int64),
            # A choice among n is n − 1 pairs that are not independent: they weigh as much as one choice tells.
            weight=np.repeat(2 / (sizes + 1), sizes),
        )

    @property
    def first_of_sequence(self) -> I64:
        """First judgement of each sequence."""
        return np.flatnonzero(np.diff(self.sequence, prepend=-1))

    def of_sequence(self, of_judgement: F64) -> F64:
        """Mean over the judgements of each sequence."""
        firsts = self.first_of_sequence
        sums: F64 = np.add.reduceat(of_judgement, firsts)
        return sums / np.diff(firsts, append=len(of_judgement))

    def hits(self, margins: F64) -> F64:
        """Of each sequence the share of judgements whose choice is ahead of all others."""
        return self.of_sequence((np.minimum.reduceat(margins, self.first) > 0).astype(np.float64))

    def beaten(self, margins: F64) -> F64:
        """Of each judgement the share of others that its choice is ahead of; of equals half."""
        won = (margins > 0) + 0.5 * (margins == 0)
        beaten: F64 = np.add.reduceat(won, self.first) / self.sizes
        return beaten

    def likelihood(self, margins: F64) -> F64:
        """Of each judgement the logarithm of how likely its choice was."""
        odds = np.add.reduceat(np.exp(np.minimum(-margins, 700.0)), self.first)
        found: F64 = -np.log1p(odds)
        return found


def _fit(pairs: _Pairs, prior: F64) -> tuple[F64, F64]:
    """Weights at which the penalised likelihood is largest, (F,), and the Hessian of its negative there, (F, F).

    Newton with halved steps: the function is strictly convex, so that the steps come to its one minimum.
    """
    x, weight = pairs.differences, pairs.weight

    def loss(w: F64) -> float:
        return float(weight @ np.logaddexp(0, -(x @ w)) + RIDGE / 2 * ((w - prior) @ (w - prior)))

    weights, value = prior.copy(), loss(prior)
    for _ in range(_STEPS):
        miss = _miss(x @ weights)
        hessian = (x * (weight * miss * (1 - miss))[:, None]).T @ x + RIDGE * np.eye(len(prior))
        step = np.linalg.solve(hessian, x.T @ (weight * miss) - RIDGE * (weights - prior))
        length = 1.0
        while (new := loss(weights + length * step)) > value and length > 1e-6:
            length /= 2
        if value - new < 1e-9 * (1 + abs(value)):
            break
        weights, value = weights + length * step, new
    miss = _miss(x @ weights)
    return weights, (x * (weight * miss * (1 - miss))[:, None]).T @ x + RIDGE * np.eye(len(prior))


def _left_out(pairs: _Pairs, weights: F64, hessian: F64) -> F64:
    """(P,) margins of the chosen ones by weights that have not seen their sequence.

    One Newton step from the weights that have seen it, which the ridge keeps near to fitting anew.
    """
    x = pairs.differences
    miss = _miss(x @ weights)
    firsts = pairs.first[pairs.first_of_sequence]
    gradient = np.add.reduceat(x * (pairs.weight * miss)[:, None], firsts)
    curved = x * np.sqrt(pairs.weight * miss * (1 - miss))[:, None]
    bounds = [*firsts.tolist(), len(x)]
    own = np.stack([curved[a:b].T @ curved[a:b] for a, b in pairwise(bounds)])
    without = weights - np.linalg.solve(hessian - own, gradient[..., None])[..., 0]
    margins: F64 = np.einsum("pf,pf->p", x, without[pairs.sequence[pairs.judgement]])
    return margins


def _sharpness(pairs: _Pairs, margins: F64) -> float:
    """Factor on margins by which what was chosen is most likely; drawn to 1 as by a few choices."""
    fits = [float(pairs.likelihood(s * margins).sum() - 0.5 * np.log2(s) ** 2) for s in _SHARPNESS]
    return float(_SHARPNESS[int(np.argmax(fits))])


def _moderated(differences: F64, margins: F64, covariance: F64) -> F64:
    """Margins as they count where weights are not sure (MacKay 1992): nearer to 0 in directions little was seen of."""
    variance = np.einsum("pf,pf->p", differences @ covariance, differences)
    return margins / np.sqrt(1 + np.pi / 8 * variance)


def _miss(margins: F64) -> F64:
    """Chance, 0…1, that the other one of a pair is preferred."""
    return 1 / (1 + np.exp(np.clip(margins, -700, 700)))


def _sure(advantage: F64) -> bool:
    """Whether a mean over sequences is above 0 by more than chance gives."""
    mean, error = float(advantage.mean()), float(advantage.std(ddof=1)) / np.sqrt(len(advantage))
    return mean > 0 and mean >= EVIDENCE * error


def _standard(values: F64, table: Table, floor: float) -> F64:
    """(K, n) less the mean of their line-up, over its standard deviation and a floor in grey levels."""
    group, counts, begin = table.group, np.diff(table.starts)[:, None], table.starts[:-1]
    centred = values - (np.add.reduceat(values, begin) / counts)[group]
    deviation = np.sqrt(np.add.reduceat(centred**2, begin) / counts)
    standard: F64 = centred / (deviation + floor)[group]
    return standard


def closeness(table: Table) -> F64:
    """(S,) 1 where candidates are the same, towards 0 the further they are apart."""
    return np.exp(-np.maximum(table.spread, 0) / _ALIKE)
