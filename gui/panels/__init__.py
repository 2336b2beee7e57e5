"""Panels of the window: each observes the session and tells it what a person wants."""
