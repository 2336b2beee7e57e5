from .colours import DARK, LIGHT, Colours, colours
from .icons import icon, icon_names, window_icon
from .scheme import KEY, SCHEMES, apply, set_scheme, unstyled
from .tokens import GAP, ICON, PAD, RADIUS, SPACE, Size, sized

__all__ = [
    "DARK",
    "GAP",
    "ICON",
    "KEY",
    "LIGHT",
    "PAD",
    "RADIUS",
    "SCHEMES",
    "SPACE",
    "Colours",
    "Size",
    "apply",
    "colours",
    "icon",
    "icon_names",
    "set_scheme",
    "sized",
    "unstyled",
    "window_icon",
]
