"""Runs of Python programs: staged op by op, many in one thread, in batches and under asyncio."""
