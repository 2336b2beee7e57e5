"""The window measured: from a key to a painted frame."""
