"""Make the data set of the weights that come with rainclean, and judge them."""
