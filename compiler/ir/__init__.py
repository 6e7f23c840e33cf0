"""The graph: ops, regions, text and JSON forms, verifier."""
