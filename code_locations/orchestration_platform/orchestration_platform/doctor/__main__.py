"""``python -m orchestration_platform.doctor``: what is wrong, what is lost, and how to go on.

Exit status: 0 if nothing is wrong, or all of it was put right; 1 if something is; 2 if it was
called incorrectly, which includes ``DAGSTER_HOME``.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration_platform.dagster_home import DagsterHomeError, find_dagster_home

if TYPE_CHECKING:
    from orchestration_platform.doctor.finding import Finding


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestration_platform.doctor", description=__doc__
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--fix", action="store_true", help="put right what can be; stop every other process before"
    )
    mode.add_argument("--dry-run", action="store_true", help="change nothing, which is the default")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args(arguments)
    try:
        find_dagster_home()
    except DagsterHomeError as error:
        print(error, file=sys.stderr)
        return 2
    return _examine(asked)


def _examine(asked: argparse.Namespace) -> int:
    from orchestration_platform.doctor.examination import examine_files, examine_instance
    from shared_lib.configuration.environment import current_settings

    home, data = Path(os.environ["DAGSTER_HOME"]), current_settings().data_directory
    results: list[dict[str, Any]] = []
    left = _report(examine_files(home, data), asked, results)
    left += _report(examine_instance(left), asked, results)
    if asked.json:
        print(json.dumps(results, indent=2))
    elif not results:
        print("OK")
    return 1 if left else 0


def _report(
    findings: "Sequence[Finding]", asked: argparse.Namespace, results: list[dict[str, Any]]
) -> "list[Finding]":
    """Print the findings, put them right if that is asked for, and return those that are left."""
    left = []
    for finding in findings:
        done = finding.fix() if asked.fix and finding.fix else None
        results.append(finding.as_json() | {"done": done})
        if not asked.json:
            print(f"{finding}\n  done: {done}" if done else finding)
        if done is None:
            left.append(finding)
    return left


if __name__ == "__main__":
    sys.exit(main())
