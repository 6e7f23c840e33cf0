"""Token masks over byte automata."""
