"""Ongoing incidents, read from positions of this release and of earlier ones."""

import json

import pytest
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.sources.ongoing import changes, known_at
from orchestration_platform.alerts.sources.source import Batch, Finding


def read(marks: str | None, **now: object) -> Batch:
    return changes(
        marks,
        now,
        begun=lambda name: Finding(alert=failure(), key=name),
        over=lambda name: Recovery.of_subject(name, (), at=0.0, instead=name),
    )


def came_to(batch: Batch) -> tuple[list[str], list[str]]:
    """What has begun and what is over."""
    found = batch.found
    return [begun.key for begun in found.findings], [over.instead for over in found.recoveries]


@pytest.mark.parametrize(
    "marks",
    ['["tills"]', '{"tills": 1700000000.0}', '{"tills": null}'],
    ids=["names", "since", "now"],
)
def test_conditions_that_an_earlier_release_stored_are_not_found_again_and_end_once(
    marks: str,
) -> None:
    goes_on = read(marks, tills=None, shop=None)
    assert came_to(goes_on) == (["shop"], [])
    is_over = read(goes_on.position, shop=None)
    assert came_to(is_over) == ([], ["tills"])
    assert came_to(read(is_over.position, shop=None)) == ([], [])


def test_a_condition_whose_value_changes_is_found_again() -> None:
    first = read(None, run={"passed": 60})
    assert came_to(first) == (["run"], [])
    assert came_to(read(first.position, run={"passed": 60})) == ([], [])
    longer = read(first.position, run={"passed": 3600})
    assert came_to(longer) == (["run"], [])
    assert known_at(longer.position) == json.loads(longer.position) == {"run": {"passed": 3600}}
