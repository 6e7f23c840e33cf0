"""Blocks that decoders are made of."""
