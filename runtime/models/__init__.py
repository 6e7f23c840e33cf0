"""Architectures as data, weight loading."""
