"""Measure speed and memory of rainclean for those who change it; not in the wheel.

``python -m benchmarks gui``, ``spanet`` or ``temporal``, from the root of the repository.
"""
