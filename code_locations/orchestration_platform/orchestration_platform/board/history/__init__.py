"""What the runs and events of the last days show: durations, costs, rows and service levels."""
