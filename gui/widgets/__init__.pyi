from . import dialogs, typed_paths
from .basic import Label, Slider, as_tip, named
from .elided import ElidedLabel
from .path_field import PathField

__all__ = ["ElidedLabel", "Label", "PathField", "Slider", "as_tip", "dialogs", "named", "typed_paths"]
