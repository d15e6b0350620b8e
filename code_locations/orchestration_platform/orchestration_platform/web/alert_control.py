"""The page on which people mute, drop, redirect and test, with the functions of the commands."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from dagster._core.workspace.context import BaseWorkspaceRequestContext
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from orchestration_platform.alerts.control.incidents import known_locations
from orchestration_platform.alerts.control.muting import check_names, mute, unmute
from orchestration_platform.alerts.control.person import Hand
from orchestration_platform.alerts.control.trial_message import policy_named
from orchestration_platform.alerts.control.waiting import Moved, drop, named_destination, redirect
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.policies_in_force import policies_in_force, read_policies
from orchestration_platform.alerts.outbox.suppression.mutes import all_mutes
from orchestration_platform.alerts.policies.policy import AlertPolicies
from orchestration_platform.alerts.policies.quiet_hours import DURATION, seconds_of
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.board.automation import defined_jobs, locations
from orchestration_platform.board.pages.hand import read_hands
from orchestration_platform.board.pages.page import alerts_page
from orchestration_platform.web.login.person import Person, Role, person_of
from shared_lib.configuration.environment import current_settings
from shared_lib.configuration.validated_yaml import ConfigurationError

PATH = "/board/alerts"

# The webserver has no secret of a service: a run of this job sends the test message.
TEST_LOCATION, TEST_JOB = "orchestration_platform", "alert_test_job"

_SUBJECTS = ("job", "asset", "policy", "location")
_LAUNCH = """
mutation TestMessage($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on Error { message }
  }
}
"""

# below Dagster's own, whose level and format it has
logger = logging.getLogger("dagster.platform_webserver")


class NeedsRoleError(Exception):
    """The person may not do this; the text names the role and where it is needed."""


def check_launcher(person: Person, location: str | None) -> None:
    """Check that ``person`` may act on alerts of ``location``; None: of all locations.

    Raises:
        NeedsRoleError: the person may not.
    """
    if not person.may(Role.LAUNCHER, location=location):
        where = location or "every code location"
        raise NeedsRoleError(f"this needs the role launcher at {where}")


def policies_of(alerts: Database) -> AlertPolicies:
    """Return the policies in force, as the commands do.

    Raises:
        ConfigurationError: the file is invalid, and no valid policies have ever been stored.
    """
    found = read_policies(report=logger.warning)
    return policies_in_force(alerts, found) if isinstance(found, ConfigurationError) else found


class AlertControl:
    """The page, and what its forms do."""

    def __init__(
        self,
        alerts: Database,
        request_context: Callable[[Request], AbstractContextManager[BaseWorkspaceRequestContext]],
        ask: Callable[..., Any],
    ) -> None:
        """Act on ``alerts``.

        Args:
            alerts: the outbox.
            request_context: opens the workspace for a request.
            ask: executes a GraphQL request for the person of a request: request, query, variables
                and operation.
        """
        self._alerts, self._request_context, self._ask = alerts, request_context, ask
        self._actions = {
            "mute": self._mute,
            "unmute": self._unmute,
            "drop": self._drop,
            "redirect": self._redirect,
            "test": self._test,
        }

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        return [
            Route(PATH, self.shown, methods=["GET"]),
            Route(PATH, self.act, methods=["POST"]),
        ]

    def shown(self, request: Request) -> Response:
        """Answer with the page; the query fills in the form, as a link of another page does."""
        return self._page(request, dict(request.query_params))

    async def act(self, request: Request) -> Response:
        """Do what a form asks for, for the person who sends it."""
        fields = dict(parse_qsl((await request.body()).decode(errors="replace")))
        return await run_in_threadpool(self._act, request, fields)

    def _act(self, request: Request, fields: Mapping[str, str]) -> Response:
        try:
            done = self._carry_out(request, fields)
        except NeedsRoleError as error:
            return PlainTextResponse(f"{error}\n", HTTPStatus.FORBIDDEN)
        except (LookupError, ValueError) as error:
            return self._page(request, fields, problem=str(error.args[0]))
        return self._page(request, {}, done=done)

    def _page(
        self, request: Request, fields: Mapping[str, str], *, problem: str = "", done: str = ""
    ) -> Response:
        now = datetime.now(UTC)
        policies = policies_of(self._alerts).alert_policies
        with self._alerts.transaction() as connection:
            hands = read_hands(connection, now=now.timestamp())
        with self._request_context(request) as context:
            names = _names(context)
        html = alerts_page(
            hands,
            names | {"policy": sorted(policy.name for policy in policies)},
            fields,
            now=now,
            problem=problem,
            done=done,
        )
        return HTMLResponse(html, HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK)

    def _carry_out(self, request: Request, fields: Mapping[str, str]) -> str:
        action = fields.get("action", "")
        if action not in self._actions:
            allowed = ", ".join(self._actions)
            raise ValueError(f"action {action!r} is unknown; allowed are {allowed}")
        hand = Hand.of(person_of(request).name, fields.get("reason", ""))
        if not hand.reason:
            raise ValueError("enter the reason: it is recorded and shown")
        return self._actions[action](request, fields, hand)

    def _mute(self, request: Request, fields: Mapping[str, str], hand: Hand) -> str:
        subject = {kind: fields.get(kind, "").strip() for kind in _SUBJECTS}
        check_launcher(person_of(request), subject["location"] or None)
        duration = fields.get("duration", "").strip()
        if not re.fullmatch(DURATION, duration):
            raise ValueError(
                f"{duration!r} is not a duration: enter a number and s, min, h or d, such as 2h"
            )
        with self._request_context(request) as context:
            known = _names(context)
            known["asset"] = [
                key.to_user_string() for key in context.asset_graph.get_all_asset_keys()
            ]
        known["policy"] = [policy.name for policy in policies_of(self._alerts).alert_policies]
        now = datetime.now(UTC).timestamp()
        with self._alerts.transaction() as connection:
            known["location"] = [*known["location"], *known_locations(connection)]
            check_names(subject, known, problem="")
            begun = mute(connection, subject, hand, until=now + seconds_of(duration), now=now)
        return f"{begun.subject} is {begun.why}"

    def _unmute(self, request: Request, fields: Mapping[str, str], hand: Hand) -> str:
        number = _number(fields.get("number", ""))
        with self._alerts.transaction() as connection:
            places = [one.location for one in all_mutes(connection) if one.id == number]
            check_launcher(person_of(request), "".join(places) or None)
            ended, was_in_force = unmute(
                connection, number, hand, now=datetime.now(UTC).timestamp()
            )
        if not was_in_force:
            return f"the mute of {ended.subject} had ended before: nothing has changed"
        return f"the mute of {ended.subject} is ended by {hand}"

    def _drop(self, request: Request, fields: Mapping[str, str], hand: Hand) -> str:
        check_launcher(person_of(request), None)
        policies = policies_of(self._alerts)
        with self._alerts.transaction() as connection:
            destination = _destination(connection, fields.get("destination", ""), policies)
            moved = drop(connection, destination, hand, now=datetime.now(UTC).timestamp())
        return _moved(moved, f"for {destination} dropped by {hand}")

    def _redirect(self, request: Request, fields: Mapping[str, str], hand: Hand) -> str:
        check_launcher(person_of(request), None)
        policies = policies_of(self._alerts)
        with self._alerts.transaction() as connection:
            source = _destination(connection, fields.get("destination", ""), policies)
            target = _destination(connection, fields.get("target", ""), policies)
            moved = redirect(connection, source, target, hand, now=datetime.now(UTC).timestamp())
        return _moved(moved, f"for {source} redirected to {target} by {hand}")

    def _test(self, request: Request, fields: Mapping[str, str], hand: Hand) -> str:
        check_launcher(person_of(request), TEST_LOCATION)
        name = policy_named(
            fields.get("policy", "").strip(), policies_of(self._alerts).alert_policies
        ).name
        config = {"policy": name, "reason": hand.reason}
        parameters = {
            "selector": {
                "repositoryLocationName": TEST_LOCATION,
                "repositoryName": "__repository__",
                "jobName": TEST_JOB,
            },
            "runConfigData": {"ops": {"send_test_message": {"config": config}}},
        }
        answer = self._ask(
            request=request,
            query=_LAUNCH,
            variables={"parameters": parameters},
            operation_name=None,
        )
        found = json.loads(answer.body)
        launched = (found.get("data") or {}).get("launchRun") or {}
        if "run" not in launched:
            errors = [error["message"] for error in found.get("errors", ())]
            raise ValueError(launched.get("message") or "; ".join(errors))
        return f"run {launched['run']['runId']} sends a test message of {name}"


def _names(context: BaseWorkspaceRequestContext) -> dict[str, list[str]]:
    """Return the names of the jobs and locations, without those that Dagster hides."""
    jobs = {job for _, job in defined_jobs(context) if not job.startswith("__")}
    return {"job": sorted(jobs), "location": sorted(locations(context))}


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{text!r} is not the number of a mute")
    return int(text)


def _destination(connection: sa.Connection, text: str, policies: AlertPolicies) -> Destination:
    return named_destination(
        connection,
        text.strip(),
        policies=policies.alert_policies,
        alert_channel=current_settings().alert_channel,
    )


def _moved(moved: Moved, what: str) -> str:
    text = f"{moved.messages} messages and updates {what}"
    if moved.being_sent:
        text += f"; {moved.being_sent} more are being sent at this moment: try again in a minute"
    return text
