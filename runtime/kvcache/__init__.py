"""Slot pool and radix tree."""
