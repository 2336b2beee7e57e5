"""Names that flags and recipes use, apart from what they name: importing this is cheap."""

MASKS = ("threshold", "any-difference")
"""Rules by which a pixel is rain: clearly brighter than in the clean image (`rainclean.dataset.pairs.rain_mask`),
or, as in the released code, different by one level in any channel."""

STARTS = ("random", "identity")
"""What a network begins as (`rainclean.spanet.start.new_network`)."""
