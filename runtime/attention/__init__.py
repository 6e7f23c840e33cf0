"""Attention backends over the slot table."""
