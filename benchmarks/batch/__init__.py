"""Speed of several workers beside one."""
