"""Rain with known ground truth over any picture or clip; see docs/adr/0006-simulated-rain.md.

`rainclean simulate` and the benchmark make clips with a `Renderer`; methods are then compared with what `truth`,
`rain`, `passers` and `water` read back.

Importing this is cheap: numpy, OpenCV, PyAV and numba are loaded when something is made or read.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
