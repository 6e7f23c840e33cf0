"""Program files as modules of Python: loaded, called, run over rows."""
