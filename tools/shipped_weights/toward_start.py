"""Makes the shipped weights: trained ones, taken a little back to where their training began.

    python -m tools.shipped_weights.toward_start TRAINED.safetensors OUT.safetensors

A mean of the weights before and after a training is often better on pictures of another kind than those after it
(Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, arXiv 2109.01903). Here the start is a network
that changes nothing, and the other kind is what cameras film.
"""

import sys
from dataclasses import replace
from pathlib import Path

from rainclean.spanet.start import new_network
from rainclean.spanet.weights import read, write

SHARE = 0.95
"""Of the trained weights. Of 1, 0.95, 0.9 and 0.85 the best on the samples and on a real clip, which the training has
not seen; on the validation pairs, which are like the training's, 1 is 0.2 to 0.5 dB better."""

SEED = 1
"""Of the network that the training began with."""


def make(trained: Path, output: Path) -> None:
    """Read, mix and write. Raises InputError for what is no weights file."""
    origin, weights = read(trained)
    start = new_network("identity", direction_attention=origin.direction_attention, seed=SEED).state_dict()
    mixed = {name: (1 - SHARE) * start[name] + SHARE * value for name, value in weights.items()}
    kind = f"{origin.kind}; {SHARE:g} of it, the rest of the start"
    write(mixed, output, replace(origin, kind=kind, source="simulated rain, see MODEL-CARD.md"))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    make(Path(sys.argv[1]), Path(sys.argv[2]))
