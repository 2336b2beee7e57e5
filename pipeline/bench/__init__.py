"""Benchmarks of rainclean."""
