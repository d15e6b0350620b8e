"""A stand-in for Enable Banking's API, with the banks and the faults of ``sandboxes.bank``."""
