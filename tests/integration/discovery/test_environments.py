"""What the section ``environments`` does: a location differs where it says so, and only there."""

import re
from collections.abc import Callable

import pytest

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.discovery import Location

Load = Callable[..., Location]


@pytest.mark.sees("environments.jobs", "environments.schedules", "environments.sensors")
@pytest.mark.parametrize(
    ("environment", "cron", "on", "retries"),
    [
        ("ci", "0 6 * * MON-FRI", ["every_morning"], "2"),
        ("qa", "0 6 * * MON-FRI", [], "2"),
        ("production", "0 5 * * *", ["every_morning", "stale"], "5"),
    ],
)
def test_a_location_differs_in_the_environments_that_the_file_names(
    demonstration: Load, environment: str, cron: str, on: list[str], retries: str
) -> None:
    definitions = demonstration(DAGSTER_ENVIRONMENT=environment).definitions

    schedule = definitions.resolve_schedule_def("every_morning")
    clocks = [schedule, definitions.resolve_sensor_def("stale")]
    assert [one.name for one in clocks if one.default_status.value == "RUNNING"] == on
    assert schedule.cron_schedule == cron
    assert definitions.resolve_job_def("trade").tags["dagster/max_retries"] == retries


WRONG = """jobs: {one: {selection: "key:plain"}}
schedules: {nightly: {job: one, cron: "@daily"}}
environments:
  prod: {}
  production:
    schedules:
      nightly: {cron: "99 * * * *", job: two}
      nihgtly: {enabled: true}
      nightly_too: {enabled: "${ONLY_IN_PRODUCTION}"}
    checks: {}
    jobs: {one: {retry_on_failure: "${ONLY_IN_PRODUCTION}", executor: threads, tag: {}}}
"""


def test_mistakes_of_every_environment_are_reported_in_every_environment(written: Load) -> None:
    with pytest.raises(ConfigurationError) as structure:
        written(WRONG)
    with pytest.raises(ConfigurationError) as values:
        written(WRONG.replace("  prod: {}\n", "").replace("    checks: {}\n", ""))

    assert lines_of(structure) == [
        "5: environments.prod: 'prod' is not allowed as a key: Input should be 'local', 'ci', 'qa' "
        "or 'production'",
        "11: environments.production.checks: unknown key, allowed is one of: jobs, schedules, "
        "sensors",
    ]
    assert lines_of(values) == [
        "8: environments.production.schedules.nihgtly: the section schedules has no nihgtly that "
        "an environment can change, did you mean nightly?",
        "9: environments.production.schedules.nightly_too: the section schedules has no "
        "nightly_too that an environment can change, did you mean nightly?",
        "10: environments.production.jobs.one.executor: 'threads' is not allowed, allowed is one "
        "of: in_process, multiprocess or nothing",
        "10: environments.production.jobs.one.tag: unknown key, allowed is one of: config, "
        "description, executor, hooks, max_concurrent, partitions, pod_resources, "
        "retry_on_failure, selection, tags",
    ]


def test_where_the_environment_is_the_current_one_everything_is_checked(
    written: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "production")

    with pytest.raises(ConfigurationError) as refused:
        written(
            'jobs: {one: {selection: "key:plain", retry_on_failure: 1}}\n'
            'schedules: {nightly: {job: one, cron: "@daily"}}\n'
            "environments:\n  production:\n"
            "    schedules:\n"
            '      nightly: {cron: "99 * * * *", job: two}\n'
            '    jobs: {one: {retry_on_failure: "${ONLY_HERE}"}}\n'
        )

    assert [re.split(", (?:allowed|or)|\\. ", line)[0] for line in lines_of(refused)] == [
        "7: environments.production.schedules.nightly.cron: '99 * * * *' is not allowed: Found "
        "invalid cron schedule '99 * * * *' for schedule 'nightly''",
        "7: environments.production.schedules.nightly.job: there is no two",
        "8: environments.production.jobs.one.retry_on_failure: the environment variable ONLY_HERE "
        "is not set and has no default here: set it",
    ]


def lines_of(refused: pytest.ExceptionInfo[ConfigurationError]) -> list[str]:
    return [line.partition("orchestration.yaml:")[2] for line in str(refused.value).splitlines()]
