"""Graph to Plan."""
