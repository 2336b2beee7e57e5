"""Environment variables that must be set before Qt starts."""

import os


def prepare() -> None:
    """Undo the changes that other libraries make to Qt's environment.

    When opencv-python is imported, it points Qt to the plugins of its own Qt 5, with which Qt 6 does not start. It is
    imported here, so that it cannot do that later.
    """
    before = {name: os.environ.get(name) for name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")}
    import cv2
    import numpy as np

    # OpenCV's threads inherit the priority of the thread that first needs them: it must not be a background thread.
    cv2.resize(np.zeros((512, 512, 3), np.uint8), (256, 256))

    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
