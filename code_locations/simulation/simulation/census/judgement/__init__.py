"""Which rows of a census count, which do not, and why."""
