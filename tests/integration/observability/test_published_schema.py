"""The published schemas notice what is wrong; every event of these tests is held to them."""

import copy
from typing import Any

import pytest
from tests.integration.observability.published_schema import FOLDER, REASON, published_violations

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=REASON)

_SPEC = "https://openlineage.io/spec"
_FACET = f"{_SPEC}/facets/1-0-1/ErrorMessageRunFacet.json"
EVENT: dict[str, Any] = {
    "eventType": "COMPLETE",
    "eventTime": "2026-01-01T00:00:00+00:00",
    "producer": "https://example.com/platform",
    "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
    "run": {
        "runId": "01941f29-7c00-7000-8000-000000000000",
        "facets": {
            "errorMessage": {
                "_producer": "https://example.com/platform",
                "_schemaURL": f"{_FACET}#/$defs/ErrorMessageRunFacet",
                "message": "out of paper",
                "programmingLanguage": "python",
            }
        },
    },
    "job": {"namespace": "dagster", "name": "shop"},
}


def test_a_right_event_has_no_violations() -> None:
    assert list(published_violations(EVENT)) == []


@pytest.mark.parametrize(
    ("place", "value", "complaint"),
    [
        (("run", "runId"), "4711", "'4711' is not a 'uuid'"),
        (("eventType",), "DONE", "'DONE' is not one of"),
        (("job", "name"), 7, "7 is not of type 'string'"),
        (("run", "facets", "errorMessage", "message"), 7, "7 is not of type 'string'"),
    ],
)
def test_a_wrong_event_is_noticed(place: tuple[str, ...], value: Any, complaint: str) -> None:
    event = copy.deepcopy(EVENT)
    inner = event
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value

    assert any(complaint in text for text in published_violations(event))
