"""What goes wrong with a model's files."""

from __future__ import annotations


class ModelError(ValueError):
    """A model cannot be found, read or run. The message names the file and says what to do."""
