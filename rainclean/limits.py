"""Limit how much of a clip is examined: sizes that say in advance how much memory a clip takes.

They are in a module of their own so that `rainclean.temporal.memory_budget` need not load what uses them.
"""

MAX_SAMPLE_POINTS = 12_000
"""Sample points of the exposure at most: with more of them the errors come from the amount of rain in each frame, not
from noise."""

MAX_GRID_CELLS = 110_000
"""Cells of the grid on which foreground is found: 1080p has steps of 5 px, 640×368 of 2."""

MAX_GRID_SAMPLES = 44_000_000
"""Cells times frames: long clips get a coarser grid. A sample takes 1.5 bytes while frames are added and 3 to 7 more
while they are classified."""
