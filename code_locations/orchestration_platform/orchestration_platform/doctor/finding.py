"""Something that is wrong with the platform."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong.

    Attributes:
        kind: the same for all findings of a kind.
        problem: what was found, and where.
        lost: what is lost, whatever is done.
        remedy: how to go on.
        fix: does it and returns what was done; None if a person has to.
        blocks_dagster: whether Dagster does not start while it lasts.
    """

    kind: str
    problem: str
    lost: str
    remedy: str
    fix: Callable[[], str] | None = None
    blocks_dagster: bool = False

    def as_json(self) -> dict[str, str | bool]:
        """Return the finding for ``json.dumps``."""
        return {
            "kind": self.kind,
            "problem": self.problem,
            "lost": self.lost,
            "remedy": self.remedy,
            "can_be_fixed": self.fix is not None,
        }

    def __str__(self) -> str:
        """Return the finding in three lines."""
        return f"{self.problem}\n  lost: {self.lost}\n  to go on: {self.remedy}"
