from .run import derain
from .work import DerainSettings, Kind, plan

__all__ = ["DerainSettings", "Kind", "derain", "plan"]
