"""Functions that run as one graph: whether they may, how, and as nothing else."""
