"""What outlives the process: files and batches."""
