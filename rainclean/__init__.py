"""Ground floor: the library. Arrays and frames in, arrays out; no Qt, no project, no printing."""

__version__ = "0.1.0"
