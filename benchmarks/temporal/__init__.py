"""The temporal filter measured: each step from decoding to scores."""
