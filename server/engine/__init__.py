"""The engine in its own process, and the way there."""
