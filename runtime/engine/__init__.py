"""One forward pass and its sampling."""
