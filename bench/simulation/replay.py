"""``python -m bench.simulation.replay WAREHOUSE TARGET``: run compiled SQL straight on DuckDB.

Prints the CPU and wall seconds of the statements alone, as JSON.
"""

import json
import sys
import time
from pathlib import Path

import duckdb

from shared_lib.dbt.compiled import execute, load_statements


def main(warehouse: str, target: str) -> None:
    """Execute the SQL that dbt compiled into ``target`` on the file ``warehouse``."""
    statements = load_statements(Path(target))
    with duckdb.connect(warehouse) as connection:
        wall, cpu = time.perf_counter(), time.process_time()
        execute(connection, statements)
        figures = {
            "wall_seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
