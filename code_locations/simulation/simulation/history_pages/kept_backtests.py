"""Backtests that were made, kept for the page of a fit to the same censuses."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from shared_lib.private_files import keep_files_private
from simulation.backtest.comparison import Step
from simulation.planning.history import years_of
from simulation.report.files import replaced

_STEPS = TypeAdapter(list[Step])


def keep_backtest(steps: Sequence[Step], paths: Sequence[Path], folder: Path) -> Path:
    """Write the steps of a backtest into ``folder``; those of an earlier one are replaced."""
    keep_files_private()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _name(paths)
    with replaced(path) as unfinished:
        unfinished.write_bytes(_STEPS.dump_json(list(steps)))
    return path


def kept_backtest(paths: Sequence[Path], folder: Path) -> list[Step]:
    """Return the steps of the last backtest on censuses with the same contents, if there is one."""
    path = folder / _name(paths)
    return _STEPS.validate_json(path.read_bytes()) if path.is_file() else []


def _name(paths: Sequence[Path]) -> str:
    # of another release, whose steps have other fields, none is found
    contents = hashlib.sha256(json.dumps(_STEPS.json_schema(), sort_keys=True).encode())
    for path in years_of(paths).values():
        contents.update(hashlib.sha256(path.read_bytes()).digest())
    return f"backtest-{contents.hexdigest()[:16]}.json"
