"""From decisions to a data set on disk, and checking one."""
