from . import dialogs
from .basic import Label, Slider, as_tip, named
from .path_field import PathField

__all__ = ["Label", "PathField", "Slider", "as_tip", "dialogs", "named"]
