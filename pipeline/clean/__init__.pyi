from .output import clean_folder, write_clean, write_png
from .result import CleanResult
from .run import clean
from .settings import CleanSettings, available_cores
from .sheet import contact_sheet
from .survey import STILL_PX, Watch

__all__ = [
    "STILL_PX",
    "CleanResult",
    "CleanSettings",
    "Watch",
    "available_cores",
    "clean",
    "clean_folder",
    "contact_sheet",
    "write_clean",
    "write_png",
]
