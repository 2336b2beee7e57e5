"""What moves besides rain: people, cars, foliage, water, marks, told from rain and marked."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
