"""Training SPANet: recipe, run folder, and the run itself. Lightning and torch are loaded when a run starts."""
