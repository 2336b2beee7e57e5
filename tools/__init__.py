"""What only makers of rainclean need; not in the wheel."""
