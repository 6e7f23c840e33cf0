"""Pictures of a program: a page with linked views, and texts for terminals and other tools."""
