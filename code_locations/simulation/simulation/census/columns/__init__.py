"""Which column of a file is which column of the census, by names, values and settings."""
