"""What takes rain out of pictures, whoever made it: weights, folders of outputs, ONNX, TorchScript."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
