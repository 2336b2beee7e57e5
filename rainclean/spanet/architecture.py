"""Sizes of SPANet, which the graph and the road in bands share."""

CHANNELS = 32
BLOCKS = 17
GROUPS = ((4, 5, 6), (7, 8, 9), (10, 11, 12), (13, 14, 15))
"""Blocks that share an attention map; it is computed from what goes into the first of them."""
