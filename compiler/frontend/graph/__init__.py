"""Checked syntax trees become graphs."""
