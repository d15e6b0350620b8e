"""Files with people's data belong to the account that runs the platform, and to no other."""

import os

_OTHERS = 0o077


def keep_files_private() -> None:
    """Create every further file of this process, and of those it starts, for its owner alone.

    Many libraries write warehouses, reports and Dagster's home: DuckDB with its log, SQLite, dbt,
    Dagster's compute logs. The process's mask applies to each of them when it creates a file.
    Files and folders that exist keep their permissions.
    """
    os.umask(os.umask(_OTHERS) | _OTHERS)
