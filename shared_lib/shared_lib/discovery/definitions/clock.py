"""Check cron schedules and time zones that Dagster itself refuses only later."""

import dagster as dg

from shared_lib.configuration.validated_yaml import Location, Problem


def clock_problem(cron: str, timezone: str, location: Location) -> Problem | None:
    """Return what makes Dagster refuse a schedule, at its ``cron`` or its ``timezone``.

    Args:
        cron: five fields.
        timezone: an IANA name.
        location: the mapping that has the two fields.
    """
    try:
        dg.ScheduleDefinition(
            name="clock", cron_schedule=cron, job_name="clock", execution_timezone=timezone
        )
    except dg.DagsterInvalidDefinitionError as error:
        if "timezone" in str(error).lower():
            text = f"{timezone!r} is not allowed, allowed is an IANA name, such as Europe/Berlin"
            return Problem((*location, "timezone"), text)
        text = f"{cron!r} is not allowed, allowed are five fields, names and ranges too"
        return Problem((*location, "cron"), text)
    return None
