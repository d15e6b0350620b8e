"""The board's addresses: pages to read, and a form to act on an incident."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import parse_qsl

import sqlalchemy as sa
from dagster._core.workspace.context import BaseWorkspaceRequestContext
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from orchestration_platform.alerts.control.incidents import acknowledge, resolve, shown_incident
from orchestration_platform.alerts.control.person import Hand
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.board.board import Board, KeptState, read_board
from orchestration_platform.board.pages.asset_detail import asset_detail
from orchestration_platform.board.pages.job_detail import job_detail
from orchestration_platform.board.pages.page import (
    NO_LOCATION,
    asset_page,
    incident_page,
    job_page,
    page,
)
from orchestration_platform.board.pages.summary import summary
from orchestration_platform.web.alert_control import (
    NeedsRoleError,
    check_launcher,
    policies_of,
)
from orchestration_platform.web.login.person import person_of


class BoardPages:
    """The board and the pages below it."""

    def __init__(
        self,
        alerts: Database,
        kept: KeptState,
        request_context: Callable[[Request], AbstractContextManager[BaseWorkspaceRequestContext]],
        ui_origin: str,
    ) -> None:
        """Serve what ``request_context`` and ``alerts`` have.

        Args:
            alerts: the outbox.
            kept: of the reads before.
            request_context: opens the workspace for a request.
            ui_origin: where people open the UI, for links in a saved page.
        """
        self._alerts, self._kept = alerts, kept
        self._request_context, self._ui_origin = request_context, ui_origin

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        return [
            Route("/board", self.board),
            Route("/board.json", self.summary),
            Route("/board/assets/{name:path}", self.asset),
            Route("/board/jobs/{location}/{job}", self.job),
            Route("/board/incidents/{number:int}", self.incident, methods=["GET"]),
            Route("/board/incidents/{number:int}", self.act, methods=["POST"]),
        ]

    def read_ahead(self, context: BaseWorkspaceRequestContext) -> None:
        """Read everything once, so that the first page and the first scrape need not."""
        board = read_board(context, self._alerts, self._kept)
        is_complete = board.history.is_complete
        while not is_complete:
            now = datetime.now(UTC)
            history = self._kept.materializations.read(context.instance, now=now)
            is_complete = history.is_complete

    def board(self, request: Request) -> HTMLResponse:
        """Answer with the board, which loads itself again every minute; ``?saved``: for a file."""
        board = self._read(request)
        if "saved" in request.query_params:
            return HTMLResponse(page(board, ui_url=self._ui_origin, is_file=True))
        return HTMLResponse(page(board))

    def summary(self, request: Request) -> JSONResponse:
        """Answer with the first line and what needs attention, for programs."""
        return JSONResponse(summary(self._read(request)))

    def asset(self, request: Request) -> Response:
        """Answer with the page of an asset."""
        with self._request_context(request) as context:
            board = read_board(context, self._alerts, self._kept)
            try:
                detail = asset_detail(context, board, request.path_params["name"])
            except LookupError as error:
                return _missing(error)
        return HTMLResponse(asset_page(detail, now=board.at))

    def job(self, request: Request) -> Response:
        """Answer with the page of a job."""
        location, job = request.path_params["location"], request.path_params["job"]
        with self._request_context(request) as context:
            board = read_board(context, self._alerts, self._kept)
            runs = self._kept.runs.read(context.instance, now=board.at)
        name = ("" if location == NO_LOCATION else location, job)
        try:
            with self._alerts.transaction() as connection:
                detail = job_detail(board, runs.by_job, connection, name)
        except LookupError as error:
            return _missing(error)
        return HTMLResponse(job_page(detail, now=board.at))

    def incident(self, request: Request) -> Response:
        """Answer with the page of an incident."""
        return self._shown(request)

    async def act(self, request: Request) -> Response:
        """Acknowledge or resolve an incident for the person who sends the form."""
        fields = dict(parse_qsl((await request.body()).decode(errors="replace")))
        return await run_in_threadpool(self._act, request, fields)

    def _read(self, request: Request) -> Board:
        with self._request_context(request) as context:
            return read_board(context, self._alerts, self._kept)

    def _shown(self, request: Request, *, problem: str = "", reason: str = "") -> Response:
        now = datetime.now(UTC)
        try:
            with self._alerts.transaction() as connection:
                found = shown_incident(
                    connection, request.path_params["number"], now=now.timestamp()
                )
        except LookupError as error:
            return _missing(error)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK
        return HTMLResponse(incident_page(found, now=now, problem=problem, reason=reason), status)

    def _act(self, request: Request, fields: Mapping[str, str]) -> Response:
        number = request.path_params["number"]
        with self._alerts.transaction() as connection:
            locations = connection.scalars(
                sa.select(INCIDENTS.c.location).where(INCIDENTS.c.id == number)
            ).all()
        try:
            for location in locations:
                # an incident without a location concerns all of them
                check_launcher(person_of(request), location or None)
        except NeedsRoleError as error:
            return PlainTextResponse(f"{error}\n", HTTPStatus.FORBIDDEN)
        try:
            self._carry_out(number, person_of(request).name, fields)
        except LookupError as error:
            return _missing(error)
        except ValueError as error:
            return self._shown(request, problem=str(error), reason=fields.get("reason", ""))
        return RedirectResponse(request.url.path, HTTPStatus.SEE_OTHER)

    def _carry_out(self, number: int, person: str, fields: Mapping[str, str]) -> None:
        """Do what the form of ``person`` asks for.

        Raises:
            LookupError: there is no such incident.
            ValueError: it cannot be done; the text says why.
        """
        now = datetime.now(UTC).timestamp()
        action, reason = fields.get("action", ""), fields.get("reason", "")
        hand = Hand.of(person, reason)
        if action == "ack":
            with self._alerts.transaction() as connection:
                acknowledge(connection, number, hand, now=now)
        elif action == "resolve":
            if not hand.reason:
                raise ValueError("enter the reason: it is recorded and reported")
            policies = {one.name: one for one in policies_of(self._alerts).in_force}
            with self._alerts.transaction() as connection:
                resolve(connection, number, hand, policies=policies, now=now)
        else:
            raise ValueError(f"action {action!r} is unknown; allowed are ack and resolve")


def _missing(error: LookupError) -> PlainTextResponse:
    return PlainTextResponse(f"{error.args[0]}\n", HTTPStatus.NOT_FOUND)
