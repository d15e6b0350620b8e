"""When windows begin and end, what waits for their end, and the errors of an invalid one."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from orchestration_platform.alerts.facts.alert import Severity
from orchestration_platform.alerts.policies.policy import load_file
from orchestration_platform.alerts.policies.quiet_hours import Window, hold_of, with_a_gap
from shared_lib.configuration.validated_yaml import ConfigurationError

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Window(cron="0 22 * * *", duration="9h", timezone="Europe/Berlin")

FILE = """\
maintenance_windows:
  - {cron: "0 1 * * 0", duration: 2h, below_severity: null}
alert_policies:
  - name: p
    enabled: true
    event_types: [JOB_FAILURE]
    notification_service: {log: {}}
    policy_options:
      escalate_after: 15min
      escalation_service: {pagerduty: {integration_key: alerts/pagerduty}}
      quiet_hours:
        - cron: "0 22 * * *"
          duration: 9h
          timezone: Europe/Berlin
"""


def berlin(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp()


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-07-01T21:59:59", None),
        ("2026-07-01T22:00:00", "2026-07-02T07:00:00"),
        ("2026-07-02T06:59:59", "2026-07-02T07:00:00"),
        ("2026-07-02T07:00:00", None),
        # nine hours are nine hours, also in the night in which the clock is changed
        ("2026-03-29T07:30:00", "2026-03-29T08:00:00"),
        ("2026-10-25T05:30:00", "2026-10-25T06:00:00"),
        ("2026-10-25T06:30:00", None),
    ],
)
def test_a_window_begins_by_the_clock_of_its_zone(at: str, end: str | None) -> None:
    assert NIGHT.end_of(berlin(at)) == (berlin(end) if end else None)


@pytest.mark.parametrize(
    ("at", "fold", "end"),
    [
        # in spring there is no half past two: it begins when the clock goes on, at three
        ("2026-03-29T01:59:59", 0, None),
        ("2026-03-29T03:00:00", 0, "2026-03-29T03:30:00"),
        ("2026-03-29T03:30:00", 0, None),
        # in autumn there are two
        ("2026-10-25T02:40:00", 0, "2026-10-25T02:00:00"),
        ("2026-10-25T02:10:00", 1, None),
        ("2026-10-25T02:40:00", 1, "2026-10-25T03:00:00"),
    ],
)
def test_a_window_in_the_hour_that_the_clock_leaves_out_or_repeats(
    at: str, fold: int, end: str | None
) -> None:
    window = Window(cron="30 2 * * *", duration="30min", timezone="Europe/Berlin")
    assert window.end_of(berlin(at, fold)) == (berlin(end, 1) if end else None)


def test_windows_that_follow_one_another_are_one() -> None:
    morning = Window(cron="0 7 * * *", duration="30min", timezone="Europe/Berlin")
    hold = hold_of([NIGHT, morning], Severity.ERROR, now=berlin("2026-07-01T23:00:00"))
    assert hold is not None
    assert hold.until == berlin("2026-07-02T07:30:00")


def test_a_window_without_a_gap_ends_some_day() -> None:
    always = Window(cron="@hourly", duration="2h")
    now = berlin("2026-07-01T23:00:00")
    hold = hold_of([always], Severity.ERROR, now=now)
    assert hold is not None
    assert now < hold.until < now + 2 * 86400


@pytest.mark.parametrize(
    ("below", "held"),
    [
        ("warning", [Severity.INFO]),
        ("critical", [Severity.INFO, Severity.WARNING, Severity.ERROR]),
        (None, list(Severity)),
    ],
)
def test_severe_failures_do_not_wait(below: Any, held: list[Severity]) -> None:
    window = Window(cron="* * * * *", duration="1h", below_severity=below)
    found = [severity for severity in Severity if hold_of([window], severity, now=1e9)]
    assert found == held


def test_windows_of_the_file_are_those_of_every_policy(tmp_path: Path) -> None:
    path = tmp_path / "alert_policies.yaml"
    path.write_text(FILE)
    [policy] = load_file(path).in_force
    crons = [window.cron for window in policy.policy_options.quiet_hours]
    assert crons == ["0 22 * * *", "0 1 * * 0"]


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ('"0 22 * * *"', '"0 25 * * *"', "yaml:12: alert_policies.0.policy_options.quiet_hours.0."),
        ('"0 22 * * *"', '"0 0 30 2 *"', "cron: '0 0 30 2 *' never matches: write a date that"),
        ('"0 22 * * *"', '"* * * * * *"', "write five fields, or a name such as @daily"),
        ("9h", "9 hours", "yaml:13: alert_policies.0.policy_options.quiet_hours.0.duration: '9 h"),
        ("9h", "24h", "quiet_hours: they cover all days and hours, so error messages would never"),
        ("2h, below", "31d, below", "so critical messages would never be sent: shorten a window"),
        ("9h", "32d", "duration is more than 31d: disable the policy instead"),
        ("Europe/Berlin", "Berlin", "'Berlin' is not a time zone: write an IANA name, such as Eur"),
        ("timezone: Europe", "zone: Europe", "quiet_hours.0.zone: unknown key, allowed is one of:"),
        ("2h, below", "2 h, below", "yaml:2: maintenance_windows.0.duration: '2 h' is not allo"),
        ("below_severity: null", "below_severity: high", "info, warning, error, critical"),
        ("      escalate_after: 15min\n", "", "escalate_after and escalation_service go togeth"),
        ("15min", "15min\n      escalate_again_after: 5s", "less than a minute: write 1min or m"),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_what_is_allowed(
    right: str, wrong: str, expected: str, tmp_path: Path
) -> None:
    assert right in FILE
    path = tmp_path / "alert_policies.yaml"
    path.write_text(FILE.replace(right, wrong, 1))
    with pytest.raises(ConfigurationError) as refused:
        load_file(path)
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("windows", "is_allowed"),
    [
        ([], True),
        ([("0 0 * * *", "23h")], True),
        ([("0 0 * * *", "24h")], False),
        ([("* * * * *", "1min")], False),
        ([("* * * * 1-5", "1min")], True),
        ([("@monthly", "31d")], False),
        ([("0 0 1 8 *", "31d")], True),
        ([("0 0 * * 1-5", "24h")], True),
        ([("0 0 * * 1-5", "24h"), ("0 0 * * 6,0", "12h")], True),
        ([("0 0 * * 1-5", "24h"), ("0 0 * * 6,0", "1d")], False),
        ([("0 6 * * *", "16h"), ("0 21 * * *", "10h")], False),
    ],
    ids=str,
)
@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin"])
def test_windows_that_leave_no_time_to_send_are_refused(
    windows: list[tuple[str, str]], is_allowed: object, timezone: str
) -> None:
    written = [Window(cron=cron, duration=long, timezone=timezone) for cron, long in windows]
    if is_allowed:
        assert with_a_gap(written) == written
    else:
        with pytest.raises(ValueError, match="they cover all days and hours"):
            with_a_gap(written)


def test_windows_of_a_policy_and_of_the_file_together_leave_time_to_send(tmp_path: Path) -> None:
    path = tmp_path / "alert_policies.yaml"
    path.write_text(
        FILE.replace(
            '"0 1 * * 0", duration: 2h', '"0 7 * * *", duration: 15h, timezone: Europe/Berlin'
        )
    )
    with pytest.raises(ConfigurationError, match="quiet_hours of p and maintenance_windows: they"):
        load_file(path)
