"""What a backup consists of, and which backups there are at a place."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError
from upath import UPath

from orchestration_platform.backup.errors import BackupError, at_place
from shared_lib.configuration.section import Section

FILE_NAME = "manifest.json"
_NAME = re.compile(r"backup-\d{8}T\d{6}Z")


class Archive(Section):
    """One file of a backup: a compressed tar."""

    name: str
    bytes: int
    sha256: str


class Manifest(Section):
    """The contents of a backup; it is written when everything else is."""

    format: Literal[1] = 1
    made_at: AwareDatetime
    storage: Literal["sqlite", "postgres"] = Field(description="Where Dagster's tables were.")
    archives: list[Archive]


def name_at(moment: datetime) -> str:
    """Return the name of a backup that was begun at ``moment``, UTC; later ones sort after it."""
    return f"backup-{moment:%Y%m%dT%H%M%SZ}"


def backups_at(place: UPath) -> list[UPath]:
    """Return the complete backups at ``place``, the oldest first.

    Raises:
        BackupError: the place cannot be read.
    """
    with at_place(place):
        return [found for found in _begun_at(place) if (found / FILE_NAME).exists()]


def unfinished_at(place: UPath) -> list[UPath]:
    """Return the backups at ``place`` that were begun and not finished, the oldest first.

    Raises:
        BackupError: the place cannot be read.
    """
    with at_place(place):
        return [found for found in _begun_at(place) if not (found / FILE_NAME).exists()]


def _begun_at(place: UPath) -> Iterator[UPath]:
    # other processes write there too
    place.fs.invalidate_cache()
    if place.exists():
        yield from sorted(
            (found for found in place.iterdir() if _NAME.fullmatch(found.name)),
            key=lambda found: found.name,
        )


def latest_at(place: UPath) -> UPath:
    """Return the newest complete backup at ``place``.

    Raises:
        BackupError: the place has no complete backup.
    """
    found = backups_at(place)
    if not found:
        raise BackupError(f"{place} has no complete backup")
    return found[-1]


def read_manifest(backup: UPath) -> Manifest:
    """Return the manifest of ``backup``.

    Raises:
        BackupError: it has none, or one that this release cannot read.
    """
    path = backup / FILE_NAME
    with at_place(backup):
        if not path.exists():
            raise BackupError(f"{backup} is not a complete backup: it has no {FILE_NAME}")
        text = path.read_text(encoding="utf-8")
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise BackupError(f"{path}: {error.error_count()} fields are wrong: {error}") from error
