"""A location of examples: one of each feature. `make dev EXAMPLES=1` shows it."""
