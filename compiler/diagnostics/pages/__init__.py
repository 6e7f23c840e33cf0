"""The pages of ``sglc explain``, one module per family."""
