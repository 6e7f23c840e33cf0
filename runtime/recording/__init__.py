"""Recordings of runs: what the model and the tools said, kept so that it can be said again."""
