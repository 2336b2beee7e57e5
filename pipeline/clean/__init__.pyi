from .output import CandidateRow, CleanReport, Written, clean_folder, write_clean, write_png
from .plan import check_settings
from .result import CleanResult
from .run import clean
from .settings import CleanSettings, available_cores
from .sheet import contact_sheet
from .survey import STILL_PX, Watch

__all__ = [
    "STILL_PX",
    "CandidateRow",
    "CleanReport",
    "CleanResult",
    "CleanSettings",
    "Watch",
    "Written",
    "available_cores",
    "check_settings",
    "clean",
    "clean_folder",
    "contact_sheet",
    "write_clean",
    "write_png",
]
