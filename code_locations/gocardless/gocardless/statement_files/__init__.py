"""Statement files that banks hand out: read, inspected, and imported into one history."""
