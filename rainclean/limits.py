"""How much of a clip is looked at: sizes that say beforehand what memory a clip takes.

They stand apart so that `rainclean.temporal.memory_budget` need not load what uses them.
"""

MOST_POINTS = 12_000
"""Sample points of the light at most: with more of them it is the amount of rain in each frame, not noise, that makes
errors."""

MOST_CELLS = 110_000
"""Cells of the grid on which moving things are found: 1080p has steps of 5 px, 640×368 of 2."""

MOST_SAMPLES = 44_000_000
"""Cells times frames: long clips get a coarser grid. A sample takes 1.5 bytes while frames are seen and 3 to 7 more
while they are judged."""
