"""The command that looks after the place of the simulation's tables."""
