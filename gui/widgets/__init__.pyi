from . import dialogs
from .basic import Label, Slider, as_tip, named
from .elided import ElidedLabel
from .path_field import PathField

__all__ = ["ElidedLabel", "Label", "PathField", "Slider", "as_tip", "dialogs", "named"]
