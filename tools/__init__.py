"""Programs that make the files the package ships; never imported by it."""
