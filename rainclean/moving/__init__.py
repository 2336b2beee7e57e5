"""Foreground and moving places, separated from rain: people, cars, foliage, water, splashes, marks on the video.

While the rain-free mean is made, `MotionDetector` compares every frame with it. What it finds is excluded from clean
images and pairs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
