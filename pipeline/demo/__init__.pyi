from .report import COLUMNS, PROTOCOL, cells
from .run import demo, sample_folder

__all__ = ["COLUMNS", "PROTOCOL", "cells", "demo", "sample_folder"]
