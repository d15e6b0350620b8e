"""``python -m shared_lib.discovery``: show what a location's ``orchestration.yaml`` defines."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from shared_lib.asset_makers import made_here, made_in_two
from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.dbt.project import ManifestMissingError

if TYPE_CHECKING:
    # `--help` needs neither import, and each takes a second
    import dagster as dg

    from shared_lib.discovery.location import Location

_WIDTH = 90


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0 when everything is OK."""
    asked = _parser().parse_args(arguments)
    if asked.command == "documents":
        return _documents(check=asked.check)
    try:
        for path in asked.locations or _all_files():
            _COMMANDS[asked.command](path, asked)
        if asked.command == "validate":
            _miss_one_owner(asked)
            _miss_elsewhere(asked)
        if asked.command == "explain":
            _miss_unexplained(asked)
    except (ConfigurationError, LookupError, ManifestMissingError) as error:
        print(error.args[0], file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared_lib.discovery", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("validate", "check the files and build their definitions"),
        ("list", "list what each location defines"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("locations", nargs="*", type=_file, help="orchestration.yaml files")
        command.set_defaults(made={}, loaded=[])
    explain = commands.add_parser("explain", help="show where each attribute of an asset is set")
    explain.add_argument("key", help="an asset key, with slashes")
    explain.add_argument("locations", nargs="*", type=_file, help="orchestration.yaml files")
    explain.set_defaults(known=[], explained=False)
    documents = commands.add_parser(
        "documents", help="write the JSON Schema and the reference page of the file"
    )
    documents.add_argument(
        "--check", action="store_true", help="only check that they are up to date"
    )
    return parser


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {path}")
    return path


def _all_files() -> list[Path]:
    from shared_lib.discovery.workspace import location_files

    return list(location_files().values())


def _load(path: Path) -> "Location":
    """Load a file as its definitions module does, with the resources of the location."""
    from shared_lib.discovery.location import BUILT, load_location, resolved
    from shared_lib.discovery.modules import package_of
    from shared_lib.secrets import SecretsResource
    from shared_lib.warehouse import Warehouse

    whole = path.resolve()
    module = whole.with_name("definitions.py")
    if whole not in BUILT and module.is_file() and (package := package_of(whole)):
        try:
            import_module(f"{package}.definitions")
        except (ConfigurationError, ManifestMissingError):
            raise
        except Exception as error:  # show users any error that a module raises on import
            text = f"{module}: cannot be imported: {type(error).__name__}: {error}"
            raise ConfigurationError(text) from error
    if whole in BUILT:
        return resolved(BUILT[whole]())
    # Checks and steps require resources by name; the object itself does not matter here.
    name = path.parent.name
    resources = {"warehouse": Warehouse(location=name), "secrets": SecretsResource(location=name)}
    return resolved(load_location(path, resources=resources))


def _validate(path: Path, asked: argparse.Namespace) -> None:
    import dagster as dg

    location = _load(path)
    dg.Definitions.validate_loadable(location.definitions)
    asked.made[str(path)] = made_here(location.definitions)
    asked.loaded.append(location)
    print(f"{path}: OK")


def _miss_one_owner(asked: argparse.Namespace) -> None:
    problems = made_in_two(asked.made)
    if problems:
        raise ConfigurationError("\n".join(problems))


def _miss_elsewhere(asked: argparse.Namespace) -> None:
    """Check what sensors watch in other locations, which are loaded for that."""
    from shared_lib.configuration.validated_yaml import place_in
    from shared_lib.configuration.workspace_file import workspace_locations
    from shared_lib.discovery.elsewhere import missing_elsewhere, watches_elsewhere
    from shared_lib.discovery.rings_across import rings_across
    from shared_lib.discovery.workspace import location_files

    names = {path.resolve(): name for name, path in location_files().items()}
    known = {path.resolve(): found for found in asked.loaded for path in [found.path]}

    def loaded(path: Path) -> "Location":
        return known.get(path) or known.setdefault(path, _load(path))

    def definitions(path: Path) -> "dg.Definitions":
        return loaded(path).definitions

    loading = {name: partial(definitions, path) for path, name in names.items()}
    locations = {name: loading.get(name) for name in workspace_locations()}
    problems = [
        f"{place_in(found.document, problem.location, path=found.path)}: {problem.text}"
        for found in asked.loaded
        for problem in missing_elsewhere(
            found.configuration.sensors,
            here=names.get(found.path.resolve()),
            locations=locations,
        )
    ]
    if not problems and any(
        watches_elsewhere(found.configuration.sensors) for found in asked.loaded
    ):
        known_by_name = {name: loaded(path) for path, name in names.items()}
        for name, problem in rings_across(known_by_name):
            found = known_by_name[name]
            place = place_in(found.document, problem.location, path=found.path)
            problems.append(f"{place}: {problem.text}")
    if problems:
        raise ConfigurationError("\n".join(problems))


def _list(path: Path, _arguments: argparse.Namespace) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    repository = _load(path).definitions.get_repository_def()
    console.print(f"{path}", style="bold", markup=False)
    graph = repository.asset_graph
    sections = {
        "assets": [key.to_user_string() for key in graph.get_all_asset_keys()],
        "checks": [
            f"{key.asset_key.to_user_string()}:{key.name}" for key in graph.asset_check_keys
        ],
        "jobs": [job.name for job in repository.get_all_jobs() if not job.name.startswith("__")],
        "schedules": [schedule.name for schedule in repository.schedule_defs],
        "sensors": [sensor.name for sensor in repository.sensor_defs],
    }
    for section, names in sections.items():
        console.print(f"  {section} ({len(names)})", markup=False)
        for name in sorted(names):
            console.print(f"    {name}", markup=False)


def _explain(path: Path, asked: argparse.Namespace) -> None:
    import dagster as dg

    location = _load(path)
    key = dg.AssetKey.from_user_string(asked.key)
    specs = {spec.key: spec for spec in location.definitions.resolve_all_asset_specs()}
    if key in specs:
        asked.explained = True
        for line in explanation(location, specs[key]):
            print(line)
    asked.known += [known.to_user_string() for known in specs]


def _miss_unexplained(asked: argparse.Namespace) -> None:
    from shared_lib.discovery.modules import did_you_mean

    if not asked.explained:
        raise LookupError(f"there is no asset {asked.key}{did_you_mean(asked.key, asked.known)}")


def explanation(location: "Location", spec: "dg.AssetSpec") -> Iterator[str]:
    """Yield lines that show an asset's attributes and where each is defined."""
    from shared_lib.configuration.validated_yaml import line_of

    given = location.given.get(spec.key, {})
    values = {
        "group": spec.group_name,
        "owners": ", ".join(spec.owners),
        "kinds": ", ".join(sorted(spec.kinds)),
        "tags": ", ".join(f"{name}={value}" for name, value in _own_tags(spec)),
        "partitions": spec.partitions_def,
        "automation": spec.automation_condition and spec.automation_condition.get_label(),
        "freshness": spec.freshness_policy,
    }
    yield spec.key.to_user_string()
    for name, value in values.items():
        if name in given:
            origin = f"{location.path}:{line_of(location.document, given[name].location)}"
        else:
            origin = "the asset's code" if value else "nowhere"
        yield f"  {name}: {shorten(str(value or 'none'), _WIDTH, placeholder=' ...')}  ({origin})"
    for name in ("backfill", "retry", "pool"):
        if name in given:
            line = line_of(location.document, given[name].location)
            yield f"  {name}: {given[name].value}  ({location.path}:{line})"


def _own_tags(spec: "dg.AssetSpec") -> list[tuple[str, str]]:
    """Return the tags as configured, without the kinds that Dagster stores among them."""
    return sorted(tag for tag in spec.tags.items() if not tag[0].startswith("dagster/kind/"))


def _documents(*, check: bool) -> int:
    from shared_lib.discovery.documents import REFERENCES, SCHEMA_FILE, schema_text

    status = 0
    pages = [(reference.path, reference.text()) for reference in REFERENCES]
    for path, text in ((SCHEMA_FILE, schema_text()), *pages):
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text("utf-8") != text:
            print(f"{path} is out of date: run `make docs`", file=sys.stderr)
            status = 1
    return status


_COMMANDS = {"validate": _validate, "list": _list, "explain": _explain}

if __name__ == "__main__":
    sys.exit(main())
