"""Mistakes in programs: codes, wording, rendering."""
