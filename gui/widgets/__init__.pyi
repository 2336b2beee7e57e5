from . import dialogs, typed_paths
from .basic import Form, Label, Slider, as_tip, beside, named
from .elided import ElidedLabel
from .empty_state import EmptyState
from .path_field import PathField
from .wrapped import WrappedLabel

__all__ = [
    "ElidedLabel",
    "EmptyState",
    "Form",
    "Label",
    "PathField",
    "Slider",
    "WrappedLabel",
    "as_tip",
    "beside",
    "dialogs",
    "named",
    "typed_paths",
]
