"""What candidates are scored by: a table of defects. A further one is an entry and a call of `register_defect`.

Loads no numpy: names and labels are needed where nothing is computed.
"""

import re
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    U8 = NDArray[np.uint8]
    F32 = NDArray[np.float32]
    Measure = Callable[[U8, U8, F32], F32]


DOUBTFUL = 3.0
"""Total of a best-scored candidate above which the scores themselves are in doubt: simulated and real clips whose
order was good had 0.4 to 1.6, torrents, in which rain is what a pixel's values lie densest at, 4 to 12."""


@dataclass(frozen=True)
class Defect:
    """One thing that can be wrong with a clean image.

    Attributes:
        name: key of the score: in files, tables and the store.
        label: for a person: ``leftover streaks``.
        phrase: why a candidate with less of it is preferred: ``fewer leftover streaks``.
        weight: factor on its mean; what is stored, shown and added up is with it.
        measure: from the candidate's luma and the rainy reference frame's, (H, W) uint8 each, and the scoring target,
            (H, W) float32, to how wrong each pixel is, (H, W) float32 in grey levels. None of ours: `quality.Judge`
            measures them in one go.
    """

    name: str
    label: str
    phrase: str
    _: KW_ONLY
    weight: float = 1.0
    measure: "Measure | None" = None


OUR_DEFECTS = (
    Defect("streaks", "leftover streaks", "fewer leftover streaks"),
    Defect("detail", "lost detail", "less lost detail"),
    Defect("darkening", "darkening", "less darkening"),
    Defect("disagreement", "temporal disagreement", "less temporal disagreement"),
)
"""Fields of `Scores`, columns of the store."""

_MORE: dict[str, Defect] = {}


def register_defect(defect: Defect) -> None:
    """Score candidates by a further defect from now on.

    Raises:
        ValueError: it has no measure, or its name is taken or no plain word.
    """
    if defect.measure is None:
        raise ValueError(f"defect {defect.name!r} has no measure")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", defect.name):
        raise ValueError(f"defect {defect.name!r}: use lower-case letters, digits and _")
    if find_defect(defect.name) is not None:
        raise ValueError(f"a defect {defect.name!r} is registered already")
    _MORE[defect.name] = defect


def unregister_defect(name: str) -> None:
    """Forget a defect that was registered from outside. Raises ValueError for one of ours, or none."""
    if name not in _MORE:
        raise ValueError(f"no defect {name!r} was registered")
    del _MORE[name]


def defects_from_outside() -> tuple[Defect, ...]:
    """Return those that did not come with rainclean: keys of `Scores.more`."""
    return tuple(_MORE.values())


def find_defect(name: str) -> Defect | None:
    """Return the defect of a name; None where none is registered, as of a project made elsewhere."""
    return next((each for each in (*OUR_DEFECTS, *_MORE.values()) if each.name == name), None)


def defect_label(name: str) -> str:
    """Return the label of a defect, or its name where none is registered."""
    defect = find_defect(name)
    return name if defect is None else defect.label
