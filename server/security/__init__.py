"""What keeps strangers from using the server against its owner."""
