from .bands import forward_in_bands
from .checkpoint import import_checkpoint
from .choices import MASKS, STARTS
from .data import Batch, Batches, Broken, Cut, Examples, example_mask, together
from .derainer import Derainer, load_derainer
from .inference import choose_device, derain, to_levels
from .loss import losses
from .network import SPANet
from .requirements import require_torch, shipped_weights
from .start import new_network
from .unpickling import unpickle
from .weights import COLOUR_ORDER, Origin, file_sha256, load, read, save, write, write_tensors

__all__ = [
    "COLOUR_ORDER",
    "MASKS",
    "STARTS",
    "Batch",
    "Batches",
    "Broken",
    "Cut",
    "Derainer",
    "Examples",
    "Origin",
    "SPANet",
    "choose_device",
    "derain",
    "example_mask",
    "file_sha256",
    "forward_in_bands",
    "import_checkpoint",
    "load",
    "load_derainer",
    "losses",
    "new_network",
    "read",
    "require_torch",
    "save",
    "shipped_weights",
    "to_levels",
    "together",
    "unpickle",
    "write",
    "write_tensors",
]
