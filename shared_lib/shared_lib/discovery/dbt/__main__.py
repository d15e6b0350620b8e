"""``python -m shared_lib.discovery.dbt prepare``: parse the dbt project in advance."""

import argparse
import sys

from shared_lib.configuration.environment import UnknownEnvironmentError, current_environment
from shared_lib.discovery.dbt.preparation import prepare


def main() -> int:
    """Run the command line; the exit status is 2 if the environment is unknown."""
    parser = argparse.ArgumentParser(prog="python -m shared_lib.discovery.dbt", description=__doc__)
    parser.add_argument(
        "command", choices=["prepare"], help="parse the project for each location with models"
    )
    parser.parse_args()
    try:
        current_environment()
    except UnknownEnvironmentError as error:
        print(error, file=sys.stderr)
        return 2
    prepare()
    return 0


if __name__ == "__main__":
    sys.exit(main())
