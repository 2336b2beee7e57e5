"""Analyses of many clips: by processes of this machine, by workers of a cluster, or by shards of a job array."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
