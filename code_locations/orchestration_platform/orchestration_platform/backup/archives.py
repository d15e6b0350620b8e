"""Compressed tars at any place that fsspec reaches, with their digests."""

import gzip
import hashlib
import shutil
import tarfile
from pathlib import Path
from typing import IO

from upath import UPath

from orchestration_platform.backup.errors import BackupError, at_place
from orchestration_platform.backup.manifest import Archive

_CHUNK = 1 << 20


class _Digested:
    """A file for ``tarfile`` to write, which counts and digests what is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.bytes, self.sha256 = file, 0, hashlib.sha256()

    def write(self, chunk: bytes) -> int:
        self.bytes += len(chunk)
        self.sha256.update(chunk)
        return self._file.write(chunk)

    def flush(self) -> None:
        self._file.flush()


class StagedFiles:
    """Copies of the files of an archive: copying them takes less time than compressing them."""

    def __init__(self, directory: Path) -> None:
        """Keep the copies in ``directory``, which is created."""
        directory.mkdir()
        self._directory = directory

    def add(self, path: Path, name: str) -> None:
        """Copy the file at ``path``, which nobody changes meanwhile, for the archive as ``name``.

        A link is followed, so that the copy does not depend on what it leads to.
        """
        copy = self._directory / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)

    def write_to(self, backup: UPath, name: str) -> Archive:
        """Write the archive ``name`` of ``backup`` from the copies."""
        with (backup / name).open("wb") as file:
            digested = _Digested(file)
            with (
                gzip.GzipFile(fileobj=digested, mode="wb", compresslevel=1) as compressed,  # pyright: ignore[reportCallIssue, reportArgumentType] - it only writes
                tarfile.open(fileobj=compressed, mode="w|") as tar,
            ):
                for path in sorted(self._directory.rglob("*")):
                    if path.is_file():
                        tar.add(path, str(path.relative_to(self._directory)), recursive=False)
        return Archive(name=name, bytes=digested.bytes, sha256=digested.sha256.hexdigest())


def verify(backup: UPath, archive: Archive) -> None:
    """Read an archive of ``backup`` to its end and compare the digest.

    Raises:
        BackupError: it is missing, or not what was written.
    """
    path = backup / archive.name
    digest, length = hashlib.sha256(), 0
    with at_place(backup):
        if not path.exists():
            raise BackupError(f"{path} is missing: use another backup")
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                length += len(chunk)
    if digest.hexdigest() != archive.sha256:
        raise BackupError(
            f"{path} is damaged: {length} bytes with another digest than the {archive.bytes} bytes "
            "that were written: use another backup"
        )


def extract(backup: UPath, archive: Archive, into: Path) -> None:
    """Unpack an archive; nothing is written outside of ``into``.

    Raises:
        BackupError: it cannot be read or unpacked.
    """
    with (
        at_place(backup),
        (backup / archive.name).open("rb") as file,
        tarfile.open(fileobj=file, mode="r|gz") as tar,
    ):
        tar.extractall(into, filter="data")
