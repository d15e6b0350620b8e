"""Alerts: what fails, in any code location, reaches the people who are responsible for it.

A pass of the sensor (``sensors.py``) is a list of named stages, ``run_pass.STAGES``:

    sources -> policies -> outbox -> messages -> delivery -> services

========== =====================================================================================
room       what it decides
========== =====================================================================================
facts      nothing: the alert, its event type and fingerprint, the recovery that ends it
workspace  which code locations load, and what assets there are, as the webserver answers
sources    what has happened, and how far each log was read; ``sources.runs`` reads one run
policies   who is notified of it, where and when
outbox     whether it is new, repeated or over, in transactions that survive a kill
messages   what a notification says, whatever service shows it
delivery   which message is sent next, and what becomes of it
services   how one service shows a message, and what it answers
========== =====================================================================================

Where to look:

- Where is a repeat counted? ``outbox.deduplication`` (another attempt of a run, or a new failure)
  and ``outbox.incidents.count_failure``.
- What becomes of a failure that Dagster tries again? ``sources.retries``.
- When is something over? ``facts.recovery`` (what ends what) and ``outbox.incidents``.
- Which policies does an alert go to? ``policies.routing``, ``policies.targets``.
- Where is quiet time decided? ``policies.quiet_hours.hold_of``.
- Who is called when nobody reacts? ``delivery.escalation``.
- Where are Slack's limits kept? Of size in ``messages.formats.slack``, of pace in
  ``delivery.queue`` with ``services.capabilities``, of its answers in ``services.slack.web_api``.
- What if a process dies? ``delivery.queue`` (claims), ``outbox.cursors`` (how far each log was
  read, in one transaction with what was found there).
- Are alerts themselves in order? ``outbox_health``, and ``orchestration_platform.watchdog``.

Rooms import in one direction: facts < workspace, messages < services < policies < outbox <
sources, delivery. What a process keeps from one pass to the next is in ``memory``.
"""
