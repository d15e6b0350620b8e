"""CSV files, which every bank writes differently."""
