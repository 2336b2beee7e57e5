"""Measure what thousands of clips take."""
