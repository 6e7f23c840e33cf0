"""Which streams run in this step."""
