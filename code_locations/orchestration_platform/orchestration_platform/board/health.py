"""How well something is."""

from enum import IntEnum


class Health(IntEnum):
    """The states of Dagster+, the worst first."""

    DEGRADED = 0
    WARNING = 1
    UNKNOWN = 2
    HEALTHY = 3

    @property
    def word(self) -> str:
        """As people read it: ``Degraded``."""
        return self.name.capitalize()
