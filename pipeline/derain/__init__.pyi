from .run import OwnNetwork, derain
from .work import DerainSettings, Kind, plan

__all__ = ["DerainSettings", "Kind", "OwnNetwork", "derain", "plan"]
