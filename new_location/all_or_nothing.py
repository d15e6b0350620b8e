"""Changes of a tree of files that are made as a whole, or not at all."""

import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tree:
    """The repository, and the folder with what it had before."""

    repository: Path
    before: Path

    def write(self, path: str, text: str) -> None:
        """Write a file, and the folders that lead to it."""
        (self.repository / path).parent.mkdir(parents=True, exist_ok=True)
        (self.repository / path).write_text(text, encoding="utf-8")

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it."""
        place = self.repository / path
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


@contextmanager
def all_or_nothing(repository: Path, paths: Sequence[str]) -> Iterator[Tree]:
    """Let files and folders be changed; after an error or Ctrl-C, put back what was there.

    Args:
        repository: where the paths begin.
        paths: what may be changed, created or deleted.
    """
    missing = {path: _first_missing(repository, path) for path in paths}
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(repository, Path(folder))
        for path in paths:
            _copy(repository / path, tree.before / path)
        try:
            yield tree
        except BaseException:
            # a second Ctrl-C must not leave half of it
            earlier = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                for path in paths:
                    tree.delete(path)
                    _copy(tree.before / path, repository / path)
                for created in filter(None, missing.values()):
                    tree.delete(str(created.relative_to(repository)))
            finally:
                signal.signal(signal.SIGINT, earlier)
            raise


def _first_missing(repository: Path, path: str) -> Path | None:
    """Return the uppermost folder or file of the path that does not exist yet."""
    parts = Path(path).parts
    places = [repository.joinpath(*parts[: depth + 1]) for depth in range(len(parts))]
    return next((place for place in places if not place.exists()), None)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
