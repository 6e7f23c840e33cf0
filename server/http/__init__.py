"""What every dialect shares: bodies in, replies and event streams out."""
