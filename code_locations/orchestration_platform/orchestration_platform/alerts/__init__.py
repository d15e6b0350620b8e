"""Alerts: failures in any code location reach the people who are responsible.

A pass of the sensor (``sensors``) is a list of named stages, ``run_pass.STAGES``:

    sources -> policies -> outbox -> messages -> delivery -> services

========== =====================================================================================
room       what it decides
========== =====================================================================================
facts      nothing: the alert, its event type and fingerprint, the recovery that ends it
workspace  which code locations load and which assets exist, according to the webserver
sources    what has happened, and how far each log was read; ``sources.runs`` reads one run
policies   who is notified of it, where and when
outbox     whether it is new, repeated or over, in transactions that survive a kill
messages   what a notification says, whichever service shows it
delivery   which message is sent next, and what happens to it
services   how one service shows a message, and what it answers
control    what people do by command: acknowledge, resolve, mute, drop, redirect, test
========== =====================================================================================

Where to look:

- Where is a repeat counted? ``outbox.deduplication`` (another attempt of a run, or a new failure)
  and ``outbox.incidents.count_failure``.
- What happens to a failure that Dagster retries? ``sources.retries``.
- When is something over? ``facts.recovery`` (what ends what) and ``outbox.incidents``.
- Which policies does an alert go to? ``policies.routing``, ``policies.targets``. What if several
  lead to one place? ``outbox.sharing``.
- Why is a failure not reported? ``outbox.suppression``: ``outbox.suppression.mutes``,
  ``outbox.suppression.inhibition`` (another incident explains it), and
  ``outbox.suppression.late_reports`` (when that is over).
- Where are quiet hours decided? ``policies.quiet_hours.hold_of``.
- Who is called when nobody acknowledges a message? ``delivery.escalation``. When is :eyes: seen?
  ``delivery.acknowledgements``.
- What does a button in Slack do? ``control.buttons``; ``control.listening`` receives it.
- Where are Slack's limits handled? Size in ``messages.formats.slack``, pace in
  ``delivery.queue`` with ``services.slack.configuration``, answers in ``services.slack.web_api``.
- Who already has an e-mail? ``delivery.recipients``.
- What happens if a process dies? ``delivery.queue`` (claims), ``outbox.cursors`` (how far each
  log was read, in one transaction with what was found there).
- Are the alerts themselves healthy? ``outbox_health``, and ``orchestration_platform.watchdog``.

Rooms import in one direction: facts < workspace, messages < services < policies < outbox <
sources, delivery < control. What a process keeps from one pass to the next is in ``memory``.
"""
