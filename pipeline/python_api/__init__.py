"""What `import rainclean` offers of this floor: candidates, projects, evaluations, simulated clips (docs/adr/0019)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
