"""What the page is made of: its frame, its style, its script."""
