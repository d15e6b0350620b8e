"""Serves the page on this machine, and carries out what its form asks for."""

import asyncio
import functools
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.web.own_pages import OwnPages
from shared_lib.web.reports import Reports
from simulation.config.settings import ScenarioSettings
from simulation.plan.assumptions import all_assumptions, read_form
from simulation.plan.figures import Figures
from simulation.plan.page import PlanPage, Shown
from simulation.plan.saved_scenario import ScenarioExistsError, run_command, save_scenario
from simulation.report.index import INDEX, listed_reports
from simulation.state.runs import YearRefusedError
from simulation.stored.scenarios import StoredScenario

HOST = "127.0.0.1"

# other names can be made to lead here by anyone (DNS rebinding)
_OWN_NAMES = [HOST, "localhost"]
_SHUTDOWN_SECONDS = 5
_KEPT_OUTCOMES = 32

Simulate = Callable[[ScenarioSettings], Figures]


class PortRefusedError(ValueError):
    """The port cannot be listened on."""


class Plan:
    """A stored scenario, and what it comes to with other assumptions."""

    def __init__(
        self,
        scenario: StoredScenario,
        stored: Figures,
        simulate: Simulate,
        *,
        configuration: Path,
        reports: Path,
        job_families: Sequence[str] = (),
        warning: str = "",
    ) -> None:
        """Plan on ``scenario``.

        Args:
            scenario: the stored scenario.
            stored: its figures.
            simulate: returns the figures of other settings.
            configuration: the file that scenarios are saved in.
            reports: the folder of the reports.
            job_families: of the workforce; departments are those of its figures.
            warning: what the reader must know; empty for none.
        """
        self._scenario, self._settings = scenario, scenario.as_settings()
        self._assumptions = all_assumptions(stored.named_departments, job_families)
        self._page = PlanPage(scenario, stored, self._assumptions, warning=warning)
        self._configuration, self._reports = configuration, reports
        self._stored = stored
        # so that saving what is shown does not simulate it again
        self._simulated = functools.lru_cache(_KEPT_OUTCOMES)(functools.partial(_timed, simulate))
        # one at a time has both cores
        self._one_at_a_time = asyncio.Lock()

    def draw_ahead(self) -> None:
        """Draw the page once: the first charts import and compile for a second."""
        self._answer(Shown(fields=self._page.base, figures=self._stored))

    def app(self) -> Starlette:
        """Return what is served: to its own pages, under this machine's own names."""
        return Starlette(
            routes=[
                Route("/", self._opened, methods=["GET"]),
                Route("/", self._sent, methods=["POST"]),
                Mount("/reports", Reports(directory=self._reports, html=True, check_dir=False)),
            ],
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=_OWN_NAMES),
                Middleware(OwnPages),
            ],
        )

    def _opened(self, _request: Request) -> Response:
        return self._answer(Shown(fields=self._page.base, figures=self._stored))

    async def _sent(self, request: Request) -> Response:
        text = (await request.body()).decode(errors="replace")
        fields = dict(parse_qsl(text, keep_blank_values=True))
        async with self._one_at_a_time:
            if await request.is_disconnected():
                # the page has sent a later change meanwhile
                return Response(status_code=HTTPStatus.NO_CONTENT)
            return await run_in_threadpool(self._act, fields)

    def _act(self, fields: Mapping[str, str]) -> Response:
        entered = read_form(self._assumptions, self._settings, fields)
        name = fields.get("name", "").strip()
        if entered.settings is None:
            shown = Shown(fields=fields, figures=None, problems=entered.problems, name=name)
            return self._answer(shown)
        try:
            figures, seconds = self._simulated(entered.settings.model_dump_json())
        except YearRefusedError as error:
            problems = {"": [str(error)]}
            return self._answer(Shown(fields=fields, figures=None, problems=problems, name=name))
        shown = functools.partial(Shown, fields=fields, figures=figures, seconds=seconds, name=name)
        if fields.get("action") != "save":
            return self._answer(shown())
        try:
            save_scenario(
                name,
                entered.settings,
                base=self._scenario.scenario_id,
                is_replacing=fields.get("replace") == name,
                path=self._configuration,
            )
        except ConfigurationError as error:
            is_there = isinstance(error, ScenarioExistsError)
            return self._answer(shown(problems={"name": [str(error)]}, exists=is_there))
        return self._answer(
            shown(command=run_command(name, entered.settings, self._scenario.years))
        )

    def _answer(self, shown: Shown) -> Response:
        prefix = f"{self._scenario.scenario_id}-{self._scenario.fingerprint}-"
        reports = [each.name for each in listed_reports(self._reports)]
        html = self._page.drawn(
            shown,
            report=next((name for name in reports if name.startswith(prefix)), None),
            has_reports=(self._reports / INDEX).exists(),
        )
        status = HTTPStatus.UNPROCESSABLE_ENTITY if shown.problems else HTTPStatus.OK
        headers = {"Content-Security-Policy": self._page.policy, "Cache-Control": "no-store"}
        return HTMLResponse(html, status, headers)


def _timed(simulate: Simulate, document: str) -> tuple[Figures, float]:
    """Return the figures of settings as JSON, and the seconds that they took."""
    started = time.perf_counter()
    figures = simulate(ScenarioSettings.model_validate_json(document))
    return figures, time.perf_counter() - started


def listening(port: int) -> socket.socket:
    """Return a socket on this machine's own address; port 0 is any free one.

    Raises:
        PortRefusedError: the port is taken, or is not one.
    """
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
    except (OSError, OverflowError) as error:
        found.close()
        message = f"port {port} of {HOST}: {error}: name another one"
        raise PortRefusedError(message) from None
    return found


def serve(plan: Plan, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM."""
    import uvicorn

    config = uvicorn.Config(
        plan.app(),
        log_level="warning",
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])
