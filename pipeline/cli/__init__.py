"""The command line: one module a command, found through the entry-point group ``rainclean.commands``."""
