"""The Plan: the seam between compiler and runtime."""
