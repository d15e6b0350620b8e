"""Which failures are one failure."""

import pytest
from tests.unit.orchestration_platform.alerts.failures import failure


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"message": "row 17 is bad"}, {"message": "row 2,345.6 is bad"}),
        ({"step": "load[3]"}, {"step": "load[x_9]"}),
        ({"message": "at 0x7f3aca9e"}, {"message": "at 0x10"}),
        ({"message": "since 2026-01-02T03:04:05Z"}, {"message": "since 2027-11-12 13:14:15+01:00"}),
        (
            {"message": "no file for north-west", "partition": "north-west"},
            {"message": "no file for south", "partition": "south"},
        ),
        (
            {"message": "no file for country de", "partition": "de|2024-01-01"},
            {"message": "no file for country fr", "partition": "fr|2024-01-02"},
        ),
        (
            {"message": "no file sales_de.csv", "partition": "de"},
            {"message": "no file sales_fr.csv", "partition": "fr"},
        ),
        ({"message": "no /tmp/tmpabcxyzq_/x.csv"}, {"message": "no /tmp/tmpqwerty_k/x.csv"}),
        ({"message": "denied (4QX7ZP2MT1HV8W3K)"}, {"message": "denied (9TRB0W2YQK5MZ1XA)"}),
        (
            {"message": "run 87af5c6f-3dd8-45c2-a5c0-4860941f0b99"},
            {"message": "run 01234567-89ab-cdef-0123-456789abcdef"},
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_details_that_differ_between_repeats_do_not_count(one: dict, other: dict) -> None:
    assert failure(**one).fingerprint == failure(1, **other).fingerprint


@pytest.mark.parametrize(
    "changed",
    [
        {"location": "bank"},
        {"subject": "hourly"},
        {"step": "store"},
        {"error_class": "KeyError"},
        {"message": "it is worse"},
        {"message": "UNEXPECTED_TERMINATION"},
    ],
    ids=str,
)
def test_another_job_step_class_or_message_is_another_failure(changed: dict) -> None:
    assert failure().fingerprint != failure(**changed).fingerprint
