"""Reading clips: one FrameSource contract over video files and folders of images.

`open_source` is where every frame enters. What it returns is read by everything else.
Importing this is cheap: PyAV, OpenCV and Pillow are loaded when a source is opened.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
