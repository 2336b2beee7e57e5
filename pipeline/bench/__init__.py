"""Measurements that come with rainclean."""
