"""The weights that come with rainclean, and how what they were trained on is made."""
