"""Dagster's webserver behind the front door."""

import gc
import json
import logging
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Any

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.version import __version__
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.board.board import KeptState
from orchestration_platform.board.metrics.scrape import CONTENT_TYPE, Scrape
from orchestration_platform.web.alert_control import AlertControl
from orchestration_platform.web.audit import Audit
from orchestration_platform.web.board_pages import BoardPages
from orchestration_platform.web.database import WebDatabase
from orchestration_platform.web.database import database_url as web_database_url
from orchestration_platform.web.front_door import FrontDoor
from orchestration_platform.web.hosts import AllowedHosts
from orchestration_platform.web.login.entrances import entrance_of
from orchestration_platform.web.login.gate import Gate
from orchestration_platform.web.login.mutations import guard_mutations, status_of
from orchestration_platform.web.login.permissions import PersonsContext, persons_context
from orchestration_platform.web.login.settings import LoginSettings, login_settings
from orchestration_platform.web.login.ways import ServiceTokens
from shared_lib.configuration.environment import current_settings
from shared_lib.web.reports import Reports

# The bounds of the webserver's own command: a query of the UI, and the age of a connection.
_STATEMENT_MILLISECONDS = 15_000
_RECYCLE_SECONDS = 3_600
_MOST_CONNECTIONS = 20

_SHUTDOWN_SECONDS = 5

# below Dagster's own, whose level and format it has
logger = logging.getLogger("dagster.platform_webserver")


class PlatformWebserver(DagsterWebserver):
    """Dagster's webserver with board, metrics, reports and ``/healthz``, behind the front door."""

    def __init__(
        self, context: WorkspaceProcessContext, hosts: AllowedHosts, login: LoginSettings
    ) -> None:
        """Serve the workspace of ``context`` under ``hosts`` to people who log in by ``login``."""
        self._hosts = hosts
        database = WebDatabase(web_database_url(context.instance))
        self._audit = Audit(database)
        self._tokens = ServiceTokens(login.file.tokens)
        self._entrance = entrance_of(login, database=database, origin=hosts.ui_origin)
        self._alerts = Database(database_url(context.instance))
        self._reports = current_settings().report_directory
        kept = KeptState()
        self._scrape = Scrape(self._alerts, kept)
        self._board = BoardPages(self._alerts, kept, self.request_context, hosts.ui_origin)
        self._control = AlertControl(
            self._alerts, self.request_context, self.graphql_execution_thread
        )
        super().__init__(context)

    def read_ahead(self) -> None:
        """Read the board once: of thousands of assets, the first read takes seconds."""
        try:
            self._board.read_ahead(self._process_context.create_request_context())
            # What is kept is not garbage. The collector walked through all of it for nearly every
            # page, which took as long as the page itself.
            gc.collect()
            gc.freeze()
        except Exception:
            # a page or a scrape reports it again, to the one who asks for it
            logger.exception("The board could not be read ahead")

    def build_middleware(self) -> list[Middleware]:
        """Return Dagster's own middleware with the front door and the gate before it."""
        return [
            Middleware(FrontDoor, hosts=self._hosts),
            Middleware(Gate, entrance=self._entrance, tokens=self._tokens, audit=self._audit),
            *super().build_middleware(),
        ]

    def build_graphql_schema(self) -> Any:
        """Return Dagster's schema with a guard on each mutation."""
        schema = super().build_graphql_schema()
        guard_mutations(schema.graphql_schema, self._audit)
        return schema

    async def graphql_http_endpoint(
        self, request: Request
    ) -> HTMLResponse | PlainTextResponse | JSONResponse:
        """Answer a GraphQL request; 403 if it has a mutation that its person may not use."""
        if request.method == "POST":
            try:
                body = await request.json()
            except (json.JSONDecodeError, UnicodeDecodeError):
                body = None
            if not isinstance(body, dict):
                reason = "one GraphQL request is accepted, as a JSON object\n"
                return PlainTextResponse(reason, HTTPStatus.BAD_REQUEST)
        response = await super().graphql_http_endpoint(request)
        response.status_code = status_of(request) or response.status_code
        return response

    def _make_request_context(self, conn: HTTPConnection) -> PersonsContext:
        return persons_context(self._process_context, conn)

    def build_routes(self) -> list[BaseRoute]:
        """Return Dagster's own routes with those of the platform before them."""
        return [
            *self._entrance.routes,
            Route("/healthz", self.healthz_endpoint),
            *self._board.routes,
            *self._control.routes,
            Route("/metrics", self.metrics_endpoint),
            # the first report makes the folder
            Mount("/reports", Reports(directory=self._reports, html=True, check_dir=False)),
            *super().build_routes(),
        ]

    def healthz_endpoint(self, _request: Request) -> PlainTextResponse:
        """Answer 200 if Dagster's storage answers: for probes, which wait no longer than that."""
        self._process_context.instance.get_runs(limit=1)
        return PlainTextResponse("OK\n")

    def metrics_endpoint(self, request: Request) -> Response:
        """Answer with the state of the platform as metrics for Prometheus."""
        with self.request_context(request) as context:
            return Response(self._scrape.exposition(context), media_type=CONTENT_TYPE)


class Webserver:
    """The platform's webserver for a workspace, which runs until it is stopped."""

    def __init__(
        self, instance: dg.DagsterInstance, workspace: Path, *, host: str, port: int
    ) -> None:
        """Prepare to serve ``workspace``, a ``workspace.yaml``, on ``host`` and ``port``.

        Raises:
            AllowedHostsError: ``DAGSTER_ALLOWED_HOSTS`` lists something else than host names.
            ConfigurationError: ``PLATFORM_LOGIN`` or its file is wrong.
        """
        self._instance = instance
        self._workspace = workspace
        self._hosts = AllowedHosts.from_environment()
        self._login = login_settings(host=host, workspace=workspace)
        # without the limit, an open page of the UI would delay the end for as long as it is open
        self._config = uvicorn.Config(
            app="",
            host=host,
            port=port,
            log_level="warning",
            # the address of a request is that of its sender, not what a header says
            proxy_headers=False,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )
        self._server = uvicorn.Server(self._config)

    def run(self) -> None:
        """Load the code locations and serve until SIGINT, SIGTERM or :meth:`stop`."""
        self._instance.optimize_for_webserver(
            _STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _MOST_CONNECTIONS
        )
        target = WorkspaceFileTarget([str(self._workspace)])
        with WorkspaceProcessContext(self._instance, target, version=__version__) as context:
            webserver = PlatformWebserver(context, self._hosts, self._login)
            self._config.app = webserver.create_asgi_app()
            threading.Thread(target=webserver.read_ahead, daemon=True).start()
            logger.info("Serving http://%s:%s", self._config.host, self._config.port)
            self._server.run()

    def stop(self) -> None:
        """End :meth:`run`; for another thread."""
        self._server.should_exit = True
