"""Whole programs as requests."""
