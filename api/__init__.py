"""The Python face of sglc."""
