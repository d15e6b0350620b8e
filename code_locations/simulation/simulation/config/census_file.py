"""The census file of a scenario: where it is, and what identifies its content."""

import hashlib
from functools import cache
from pathlib import Path

from shared_lib.configuration.environment import current_settings
from simulation.config.settings import ScenarioSettings

_READING = Path(__file__).parents[1] / "census"


def census_path(settings: ScenarioSettings) -> Path:
    """Return the scenario's file; one of generated employees, which need not exist yet."""
    census = settings.census
    if census.path is not None:
        return Path(census.path)
    name = f"generated-{census.generated_size}-{census.generated_seed}-{settings.opening_date}"
    return current_settings().data_directory / "census" / f"{name}.parquet"


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@cache
def reading_digest() -> str:
    """Return a digest of the code that reads a census; another release may read it otherwise."""
    digest = hashlib.sha256()
    for path in sorted(_READING.rglob("*.py")):
        digest.update(path.relative_to(_READING).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
