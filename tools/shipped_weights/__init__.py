"""How the weights that come with rainclean were made: their data set, and what judges them."""
