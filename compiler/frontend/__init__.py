"""Source text to a checked syntax tree to a graph."""
