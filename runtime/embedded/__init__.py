"""The model that ships with the project."""
