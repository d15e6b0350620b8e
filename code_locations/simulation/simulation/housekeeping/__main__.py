"""``python -m simulation.housekeeping``: delete what is old, as ``simulation_retention_job`` does.

Exit status: 0 if OK; 2 if the settings are wrong or another process holds the warehouse.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m simulation.housekeeping", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="only show what would be deleted")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    asked = parser.parse_args(arguments)
    # imported here so that --help and usage errors respond at once
    from shared_lib.configuration.kept_data import kept_data
    from simulation.command_line import run_command
    from simulation.housekeeping.retention import apply_retention
    from simulation.resources import RESOURCES

    def work(progress: Callable[[str], None]) -> int:  # noqa: ARG001 - the warehouse says why it waits
        report = apply_retention(RESOURCES["warehouse"], kept_data(), is_dry=asked.dry_run)
        if asked.json:
            print(json.dumps(report.as_json(), indent=2))
            return 0
        for table, rows in report.rows.most_common():
            print(f"{rows:8} rows of {table}")
        for path in report.reports:
            print(f"{1:8} {path}")
        print(f"simulation: {report}")
        return 0

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
