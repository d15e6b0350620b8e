"""Errors as Dagster stores them with a failed step or run."""

from collections.abc import Iterator
from typing import Any, Protocol


class StoredError(Protocol):
    """An exception as Dagster stores it."""

    @property
    def message(self) -> str: ...  # noqa: D102 - Dagster's
    @property
    def stack(self) -> Any: ...  # noqa: D102 - Dagster's
    @property
    def cls_name(self) -> str | None: ...  # noqa: D102 - Dagster's
    @property
    def cause(self) -> Any: ...  # noqa: D102 - Dagster's


def with_causes(error: StoredError) -> Iterator[StoredError]:
    """Yield the error and its causes; Dagster's wrapper is first, the user's own error last."""
    current: StoredError | None = error
    while current is not None:
        yield current
        current = current.cause


def innermost_type(error: StoredError) -> str | None:
    """Return the class of the original error, if it is known."""
    *_, origin = with_causes(error)
    return origin.cls_name


def innermost_message(error: StoredError) -> str:
    """Return the text of the original error, with its class."""
    *_, origin = with_causes(error)
    return origin.message.strip()
