"""The window, in which a person compares candidates, chooses and masks. Imports `pipeline` and `rainclean`."""
