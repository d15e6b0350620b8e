"""What stops a backup or a restore."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from upath import UPath


class BackupError(RuntimeError):
    """A backup cannot be made or used; the text says why and what to do."""


def refuse(problem: str) -> NoReturn:
    """Raise a :class:`BackupError` for ``problem``."""
    raise BackupError(problem)


@contextmanager
def at_place(place: UPath) -> Iterator[None]:
    """Raise what goes wrong at ``place`` as a :class:`BackupError` that names it.

    Each object store's client has exceptions of its own, which have no base in common.
    """
    try:
        yield
    except BackupError:
        raise
    except Exception as error:
        raise BackupError(f"{place}: {error} ({type(error).__name__})") from error
