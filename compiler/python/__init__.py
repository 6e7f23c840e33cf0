"""The Python frontend: the syntax tree of a function to the graph."""
