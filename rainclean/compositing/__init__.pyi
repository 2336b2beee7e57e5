from .composite import GrowingStroke, Layer, Shape, Tool, compose, exclusion_mask, mask_of, paint

__all__ = ["GrowingStroke", "Layer", "Shape", "Tool", "compose", "exclusion_mask", "mask_of", "paint"]
