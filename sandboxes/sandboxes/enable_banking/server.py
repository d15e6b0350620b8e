"""The sandbox over HTTP, on 127.0.0.1."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandboxes.bank.contract import Contract
from sandboxes.bank.server import serving
from sandboxes.enable_banking.routes import CONSENT_PATH, FAILURES_PATH, Call, Redirect, Routes
from sandboxes.enable_banking.state import EnableBankingState, RefusalError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send


@contextmanager
def enable_banking_server(
    state: EnableBankingState, *, port: int = 0, contract: Path | None = None
) -> Iterator[str]:
    """Serve ``state`` while the body runs; the value is the base URL.

    Args:
        state: the state behind the answers.
        port: the port on 127.0.0.1; 0 for a free one.
        contract: the vendor's OpenAPI description; if given, every request and answer is checked
            against it.

    Raises:
        OSError: the port is in use.
        ContractError: there is no description at ``contract``.
    """
    with serving(_application(state, Contract(contract) if contract else None), port) as url:
        yield url


def _application(state: EnableBankingState, contract: Contract | None) -> "ASGIApp":
    from starlette.requests import Request
    from starlette.responses import JSONResponse, RedirectResponse

    routes = Routes(state)

    async def application(scope: "Scope", receive: "Receive", send: "Send") -> None:
        request = Request(scope, receive)
        call = _call(request, await request.body())
        query = f"?{request.url.query}" if request.url.query else ""
        state.calls.append((call.method, f"{call.path}{query}"))
        status, answer = _answer(routes, contract, call)
        if isinstance(answer, Redirect):
            await RedirectResponse(answer.url, 302)(scope, receive, send)
            return
        problem = _problem(state, contract, call, status, answer)
        if problem:
            state.deviations.append(problem)
            status, answer = 500, {"message": f"The sandbox deviates from the contract: {problem}"}
        await JSONResponse(answer, status)(scope, receive, send)

    return application


def _answer(routes: Routes, contract: Contract | None, call: Call) -> tuple[int, Any]:
    try:
        if contract is not None:
            problem = contract.problem_of_request(call.method, call.path, call.query, call.body)
            if problem:
                error = RefusalError(422, "WRONG_REQUEST_PARAMETERS", problem)
                return error.status, error.body
        return 200, routes.answer(call)
    except RefusalError as error:
        return error.status, error.body


def _problem(
    state: EnableBankingState, contract: Contract | None, call: Call, status: int, answer: Any
) -> str | None:
    if contract is None or call.path.startswith((CONSENT_PATH, FAILURES_PATH)):
        return None
    injected = any(account.extra_booked for bank in state.banks.banks for account in bank.customer)
    if injected and call.path.endswith("/transactions"):
        return None
    return contract.problem_of_answer(call.method, call.path, status, answer)


def _call(request: "Request", content: bytes) -> Call:
    return Call(
        method=request.method,
        path=request.url.path,
        query=dict(request.query_params),
        headers=dict(request.headers),
        content=content,
        server=str(request.base_url).rstrip("/"),
    )
