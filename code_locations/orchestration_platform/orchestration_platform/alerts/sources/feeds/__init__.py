"""What is new in Dagster's storage since the last pass: events and ticks."""
