"""``python -m new_location NAME``: add a code location, or with ``--remove`` take it out again."""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from new_location.dbt_files import folder_of
from new_location.names import (
    LocationError,
    NewLocation,
    check_free,
    check_models_free,
    check_name,
    check_owner,
)
from new_location.own_files import own_files, own_folders
from new_location.shared_files import port_of, shared_places

REPOSITORY = Path(__file__).parents[1]
_OWNER = "data-platform@example.com"
_OWNERS = re.compile(" +owners?: ")


def add(location: NewLocation, repository: Path = REPOSITORY) -> list[str]:
    """Write the location's own files, and name it where locations are named.

    Returns:
        The paths of the files.

    Raises:
        LocationError: it cannot be added; nothing was changed.
    """
    check_name(location.name)
    check_owner(location.owner)
    check_free(location.name, repository)
    if location.has_models:
        check_models_free(location.name, repository)
    files = own_files(location)
    if there := [path for path in files if (repository / path).exists()]:
        raise LocationError(f"{', '.join(there)} is there already, and nothing was overwritten")
    files |= _shared(location, repository, is_added=True)
    for path, text in files.items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(text, encoding="utf-8")
    return list(files)


def remove(name: str, repository: Path = REPOSITORY) -> list[str]:
    """Delete the location's own files, and name it nowhere any more. Its warehouse stays.

    Returns:
        The paths of what was deleted or changed.

    Raises:
        LocationError: a file of it would be lost, or a shared file was changed by hand; nothing
            was changed.
    """
    check_name(name)
    if not (repository / "code_locations" / name / "pyproject.toml").is_file():
        raise LocationError(f"NAME={name}: there is no code_locations/{name} to remove")
    # a folder of the name may also be another location's, as `bank` is
    own_file = repository / "code_locations" / name / name / "orchestration.yaml"
    selects_models = own_file.is_file() and f"group:{name}" in own_file.read_text("utf-8")
    has_models = selects_models and (repository / folder_of(name)).is_dir()
    location = NewLocation(name, _OWNER, has_models=has_models)
    generated = own_files(location)
    own = [*own_folders(location), f"deploy/vault/policies/{name}.hcl"]
    changed = _shared(location, repository, is_added=False)
    if lost := _not_in_git(own, generated, repository):
        raise LocationError(
            f"these files are not committed and would be lost: {', '.join(lost)}; commit or "
            "delete them first, nothing was changed"
        )
    for path, text in changed.items():
        (repository / path).write_text(text, encoding="utf-8")
    for folder in own_folders(location):
        shutil.rmtree(repository / folder, ignore_errors=not (repository / folder).exists())
    (repository / own[-1]).unlink(missing_ok=True)
    return [*own, *changed]


def _shared(location: NewLocation, repository: Path, *, is_added: bool) -> dict[str, str]:
    """The shared files as they have to be, by path."""
    paths = {place.path for place in shared_places(location, 0)}
    texts = {path: (repository / path).read_text(encoding="utf-8") for path in sorted(paths)}
    for place in shared_places(location, port_of(location, texts)):
        change = place.add if is_added else place.remove
        texts[place.path] = change(texts[place.path])
    return texts


def _not_in_git(own: Sequence[str], generated: dict[str, str], repository: Path) -> list[str]:
    """Files that git does not have as they are, and that are not as they were generated."""
    listed = subprocess.run(  # noqa: S603 - own arguments
        ["git", "status", "--porcelain=v1", "-z", "--untracked-files=all", "--", *own],  # noqa: S607 - as the Makefile does
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    paths = [entry[3:] for entry in listed if entry]
    return [
        path
        for path in paths
        if (repository / path).is_file()
        and not _is_generated(path, (repository / path).read_text(encoding="utf-8"), generated)
    ]


def _is_generated(path: str, text: str, generated: dict[str, str]) -> bool:
    lines, expected = text.splitlines(), generated.get(path, "").splitlines()
    # the owner is the only thing that differs between two locations of one name
    return path in generated and [line for line in lines if not _OWNERS.match(line)] == [
        line for line in expected if not _OWNERS.match(line)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Add or remove a location; 1 with the reason on stderr if that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m new_location", description=__doc__)
    parser.add_argument("name", help="of the package")
    parser.add_argument("--owner", default=_OWNER, help="e-mail address or team:name")
    parser.add_argument("--dbt", action="store_true", help="with dbt models of its own")
    parser.add_argument("--remove", action="store_true", help="remove the location")
    asked = parser.parse_args(arguments)
    try:
        new = NewLocation(asked.name, asked.owner, has_models=asked.dbt)
        changed = remove(asked.name) if asked.remove else add(new)
    except LocationError as error:
        print(f"location: {error}", file=sys.stderr)
        return 1
    done = "removed" if asked.remove else "added"
    print(f"location: {done} {asked.name}:", *changed, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
