from .about import AboutDialog
from .guide import GuideDialog, guide_path
from .keys import KeysDialog, keys_html
from .tour import Tour

__all__ = ["AboutDialog", "GuideDialog", "KeysDialog", "Tour", "guide_path", "keys_html"]
