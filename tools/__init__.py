"""Tools that only developers of rainclean need; not in the wheel."""
