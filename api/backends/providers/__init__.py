"""Providers of models, a class for each."""
