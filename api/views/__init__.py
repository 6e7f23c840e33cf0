"""What people are shown of functions and runs: explanations, traces, pictures."""
