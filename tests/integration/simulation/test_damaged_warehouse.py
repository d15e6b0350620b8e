"""A damaged warehouse stops a run with what to do, and ``--fresh`` starts over beside it."""

from pathlib import Path

import pytest
from tests.integration.simulation.launching import run_to_its_end

ARGUMENTS = ("--generate", "100", "--years", "2025-2025")


@pytest.mark.parametrize("content", [b"not a database" * 5000, b""], ids=["other", "empty"])
def test_it_is_named_and_starting_over_keeps_it(platform: Path, content: bytes) -> None:
    warehouse = platform / "simulation.duckdb"
    warehouse.write_bytes(content)

    refused = run_to_its_end(*ARGUMENTS, directory=platform.parent)

    assert refused.status == 2
    assert "simulation.duckdb is damaged" in refused.progress
    assert "FRESH=1" in refused.progress
    assert warehouse.read_bytes() == content

    done = run_to_its_end(*ARGUMENTS, "--fresh", directory=platform.parent)

    assert done.status == 0, done.progress
    (kept,) = platform.glob("simulation.duckdb.damaged-*")
    assert kept.name in done.progress
    assert kept.read_bytes() == content
