"""Runs Plans: executor, scheduler, KV cache, models."""
