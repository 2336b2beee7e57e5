"""What has to be set before Qt starts."""

import os


def prepare() -> None:
    """Undo what other libraries do to Qt's environment.

    opencv-python points Qt to the plugins of its own Qt 5 when it is imported, with which Qt 6 does not start. It is
    imported here, so that it cannot do that later, after Qt has been told.
    """
    before = {name: os.environ.get(name) for name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")}
    import cv2
    import numpy as np

    # OpenCV's threads take their priority from the thread that needs them first: that shall not be one that may wait.
    cv2.resize(np.zeros((512, 512, 3), np.uint8), (256, 256))

    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
