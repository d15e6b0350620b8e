"""What dbt builds besides the named nodes, where it finds none of what they read."""

import pytest

from shared_lib.dbt_step.selection import with_inputs

NAMED_ONLY = ["--indirect-selection", "empty"]


@pytest.mark.parametrize(
    ("selection", "completed"),
    [
        # the whole: nothing is missing
        (["--select", "fqn:*", "--exclude", "x"], ["--select", "fqn:*", "--exclude", "x"]),
        (
            ["--select", "p.marts.m", "p.staging.s", *NAMED_ONLY],
            ["--select", "+p.marts.m", "+p.staging.s", "--exclude", "ledger", *NAMED_ONLY],
        ),
        # the ledger itself is to be built
        (
            ["--select", "p.intermediate.ledger", *NAMED_ONLY],
            ["--select", "+p.intermediate.ledger", *NAMED_ONLY],
        ),
    ],
)
def test_what_the_named_nodes_read_is_built_too(selection: list[str], completed: list[str]) -> None:
    assert with_inputs(selection, kept=["ledger"]) == completed
