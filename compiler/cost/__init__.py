"""What a program costs: a model of time, calibrated per machine, and estimates without a run."""
