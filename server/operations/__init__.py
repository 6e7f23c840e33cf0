"""Keys, limits, metrics, logs."""
