"""All files below a directory, also those that links lead to."""

from collections.abc import Callable, Iterator
from pathlib import Path


def files_below(directory: Path, *, refuse: Callable[[str], object]) -> Iterator[Path]:
    """Yield every file below ``directory`` by the name that leads to it.

    Linked directories are followed; ``Path.rglob`` leaves them out without a word.

    Args:
        directory: may be a link itself; without it nothing is yielded.
        refuse: called with the problem for each link that leads nowhere, or back to a directory
            that it is in; the link is left out if it returns.

    Raises:
        OSError: a directory cannot be read.
    """
    for folder in directories_below(directory, refuse=refuse):
        for path in _entries(folder):
            if path.is_file():
                yield path
            elif path.is_symlink() and not path.exists():
                refuse(f"{path} is a link to {path.readlink()}, which does not exist: remove it")


def directories_below(directory: Path, *, refuse: Callable[[str], object]) -> Iterator[Path]:
    """Yield ``directory`` and every directory below it, also linked ones.

    Args:
        directory: may be a link itself; without it nothing is yielded.
        refuse: called with the problem for each link that leads back to a directory that it is in;
            the link is left out if it returns.

    Raises:
        OSError: a directory cannot be read.
    """
    if directory.is_dir():
        yield from _below(directory, (), refuse)


def _below(
    directory: Path, above: tuple[Path, ...], refuse: Callable[[str], object]
) -> Iterator[Path]:
    real = directory.resolve()
    if real in above:
        refuse(f"{directory} is a link to {real}, which it is in: remove it")
        return
    yield directory
    for path in _entries(directory):
        if path.is_dir():
            yield from _below(path, (*above, real), refuse)


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except FileNotFoundError:
        return []  # deleted meanwhile
