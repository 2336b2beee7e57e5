"""Stabilization: motion of the camera, changes of exposure, and frames as the reference frame would show them.

While a clip is decoded, `FrameAligner` and `ExposureSamples` collect what they need. From them come a `Registration`
and an `Exposure`, which together are the poses of all frames. Everything after that reads frames through
`StabilizedSource`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
