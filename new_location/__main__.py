"""``python -m new_location NAME``: add a code location, or with ``--remove`` take it out again."""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from new_location.all_or_nothing import all_or_nothing
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
_LOCK = "uv.lock"


def add(
    location: NewLocation, repository: Path = REPOSITORY, lock: Sequence[str] = ()
) -> list[str]:
    """Write the location's own files, and name it where locations are named.

    Args:
        location: what is added.
        repository: where.
        lock: the command that writes ``uv.lock`` afterwards; none: it stays.

    Returns:
        The paths of the files.

    Raises:
        LocationError: it cannot be added, or locked; nothing was changed.
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
    with all_or_nothing(repository, [*files, _LOCK]) as tree:
        for path, text in files.items():
            tree.write(path, text)
        _run(lock, repository)
    return list(files)


def remove(name: str, repository: Path = REPOSITORY, lock: Sequence[str] = ()) -> list[str]:
    """Delete the location's own files, and name it nowhere any more. Its warehouse stays.

    Args:
        name: of the location.
        repository: where it is.
        lock: the command that writes ``uv.lock`` afterwards; none: it stays.

    Returns:
        The paths of what was deleted or changed.

    Raises:
        LocationError: a file of it would be lost, a shared file was changed by hand, or it cannot
            be locked; nothing was changed.
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
    with all_or_nothing(repository, [*own, *changed, _LOCK]) as tree:
        for path, text in changed.items():
            tree.write(path, text)
        for path in own:
            tree.delete(path)
        _run(lock, repository)
    return [*own, *changed]


def _run(lock: Sequence[str], repository: Path) -> None:
    if not lock:
        return
    ended = subprocess.run(lock, cwd=repository, check=False)  # noqa: S603 - the Makefile's own
    if ended.returncode:
        raise LocationError(
            f"`{shlex.join(lock)}` failed with {ended.returncode}; nothing was changed"
        )


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
        check=False,
    )
    if listed.returncode:
        raise LocationError(
            "git does not say which files are committed, so nothing was changed: "
            f"{listed.stderr.strip()}"
        )
    paths = [entry[3:] for entry in listed.stdout.split("\0") if entry]
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
    parser.add_argument("--lock", default="", help="the command that writes uv.lock afterwards")
    asked = parser.parse_args(arguments)
    try:
        new = NewLocation(asked.name, asked.owner, has_models=asked.dbt)
        lock = shlex.split(asked.lock)
        changed = remove(asked.name, lock=lock) if asked.remove else add(new, lock=lock)
    except LocationError as error:
        print(f"location: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("location: interrupted, nothing was changed", file=sys.stderr)
        return 130
    done = "removed" if asked.remove else "added"
    print(f"location: {done} {asked.name}:", *changed, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
