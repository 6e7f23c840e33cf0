"""Modules written in the language."""
