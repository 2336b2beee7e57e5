"""Tests of rainclean.video."""
