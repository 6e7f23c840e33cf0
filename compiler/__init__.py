"""Source text to graph to plan; needs no torch, no GPU, no network."""
