"""Types shared by every part of the runtime."""
