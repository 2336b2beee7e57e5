"""The store of a project: one SQLite file, its lock, artefacts and backups."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
