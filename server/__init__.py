"""The server: HTTP before an engine in a process of its own."""
