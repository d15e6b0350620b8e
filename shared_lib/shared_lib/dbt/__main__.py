"""``python -m shared_lib.dbt prepare``: parse the project ahead of whoever needs it."""

import argparse

from shared_lib.dbt.preparation import prepare


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m shared_lib.dbt", description=__doc__)
    parser.add_argument(
        "command", choices=["prepare"], help="parse the project for each location with models"
    )
    parser.parse_args()
    prepare()


if __name__ == "__main__":
    main()
