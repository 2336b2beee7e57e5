"""Top floor: the window in which a person compares, chooses and masks. It imports the floors below."""
