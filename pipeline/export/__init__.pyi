from .assembly import Exported
from .exclusions import ExclusionRules, Exclusions, read_exclusions
from .plan import ExportSettings
from .run import export
from .size_estimate import MANY, Estimate, estimate, most_crops
from .verification import Findings, check, sound_text

__all__ = [
    "MANY",
    "Estimate",
    "ExclusionRules",
    "Exclusions",
    "ExportSettings",
    "Exported",
    "Findings",
    "check",
    "estimate",
    "export",
    "most_crops",
    "read_exclusions",
    "sound_text",
]
