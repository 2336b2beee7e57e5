from .dialog import PropertiesDialog
from .history import HistoryDialog, local_time

__all__ = ["HistoryDialog", "PropertiesDialog", "local_time"]
