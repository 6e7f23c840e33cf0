"""The pages at `/`: plain files."""
