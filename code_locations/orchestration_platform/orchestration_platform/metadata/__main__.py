"""``python -m orchestration_platform.metadata``: publish what the workspace has to catalogues.

Exit status: 0 if OK; 1 if it cannot be done, with the reason; 2 if it was called incorrectly or the
dbt project has not been parsed.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shared_lib.configuration.environment import UnknownEnvironmentError
from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.dagster_client.errors import DagsterClientError
from shared_lib.dbt.project import ManifestMissingError

_CATALOGS = ("datahub", "openmetadata")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    from orchestration_platform.metadata.sending import CatalogError
    from shared_lib.secrets import SecretError

    asked = _parser().parse_args(arguments)
    try:
        return asked.command(asked)
    except (ManifestMissingError, UnknownEnvironmentError) as error:
        print(error, file=sys.stderr)
        return 2
    except (CatalogError, ConfigurationError, DagsterClientError, OSError, SecretError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration_platform.metadata", description=__doc__
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    file = commands.add_parser("file", help="write a file that a catalogue's own programs read")
    file.add_argument("catalog", choices=_CATALOGS)
    file.add_argument("path", type=Path, help="of the file to write")
    file.set_defaults(command=_file)
    publish = commands.add_parser("publish", help="send to the catalogues of platform.yaml")
    publish.add_argument("catalog", nargs="*", choices=[*_CATALOGS, []], help="default: all")
    publish.set_defaults(command=_publish)
    for command in (file, publish):
        command.add_argument(
            "--without-dagster",
            action="store_true",
            help="only what the dbt project says: no results of checks, no tables of Python assets",
        )
    return parser


def _file(asked: argparse.Namespace) -> int:
    from orchestration_platform.housekeeping.settings import OpenMetadata, load_settings
    from orchestration_platform.metadata.publish import (
        write_datahub_file,
        write_openmetadata_file,
    )
    from orchestration_platform.metadata.reading import read_description

    description = read_description(ask_dagster=not asked.without_dagster)
    if asked.catalog == "datahub":
        written = write_datahub_file(description, asked.path)
    else:
        configured = load_settings().catalog.openmetadata
        default = OpenMetadata.model_fields["service"].default
        service = configured.service if configured else default
        written = write_openmetadata_file(description, asked.path, service=service)
    print(f"{asked.path}: {written}")
    return 0


def _publish(asked: argparse.Namespace) -> int:
    from orchestration_platform.housekeeping.settings import load_settings
    from orchestration_platform.metadata.reading import read_description
    from orchestration_platform.metadata.targets import targets
    from shared_lib.configuration.kept_data import VARIABLE
    from shared_lib.secrets import SecretsResource

    secrets = SecretsResource(location="orchestration_platform")
    found = targets(load_settings().catalog, secrets)
    missing = [name for name in asked.catalog or _CATALOGS if name not in found]
    if (asked.catalog and missing) or not found:
        print(
            f"{' and '.join(missing)}: not configured: set catalog in the file of {VARIABLE}",
            file=sys.stderr,
        )
        return 1
    description = read_description(ask_dagster=not asked.without_dagster)
    for name in asked.catalog or found:
        print(f"{name}: {found[name](description)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
