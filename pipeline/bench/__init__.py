"""Benchmark of clean images against ground truth."""
