"""Random events on the real window: keys, clicks, drags, dialogs, dropped files, until something breaks."""
