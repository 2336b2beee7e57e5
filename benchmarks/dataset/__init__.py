"""Benchmark of the whole job: clips in, a data set of published size out."""
