"""The sandbox over HTTP, on 127.0.0.1."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandboxes.bank.bank import SandboxState
from sandboxes.bank.bodies import MalformedBodyError, read_body
from sandboxes.bank.contract import Contract
from sandboxes.bank.control import CONTROLS
from sandboxes.bank.refusals import refusal
from sandboxes.bank.routes import Answer, Call, Routes

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

_SUCCESS = range(200, 300)
_START_SECONDS = 10.0


@dataclass(frozen=True)
class RunningSandbox:
    """A running server.

    Attributes:
        url: its base URL.
        state: the state behind its answers.
        routes: its request handlers; holds the tokens.
    """

    url: str
    state: SandboxState
    routes: Routes


@contextmanager
def sandbox_server(
    state: SandboxState, *, port: int = 0, contract: Path | None = None
) -> Iterator[RunningSandbox]:
    """Serve ``state`` while the body runs.

    Args:
        state: the state behind the answers.
        port: the port on 127.0.0.1; 0 for a free one.
        contract: the vendor's OpenAPI description; if given, every request and answer is checked
            against it.

    Raises:
        OSError: the port is in use.
        ContractError: there is no description at ``contract``.
    """
    routes = Routes(state)
    application = sandbox_application(routes, Contract(contract) if contract else None)
    with serving(application, port) as url:
        yield RunningSandbox(url, state, routes)


@contextmanager
def serving(application: "ASGIApp", port: int) -> Iterator[str]:
    """Serve an application on 127.0.0.1 while the body runs; the value is the base URL.

    Raises:
        OSError: the port is in use.
    """
    import socket

    import uvicorn

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with listener:
        listener.bind(("127.0.0.1", port))
        server = uvicorn.Server(
            uvicorn.Config(application, log_level="warning", lifespan="off", access_log=False)
        )
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        _wait_for(server, thread)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            # do not wait for connections that clients keep open
            server.should_exit = server.force_exit = True
            thread.join()


def _wait_for(server: Any, thread: threading.Thread) -> None:
    waited = threading.Event()
    for _ in range(int(_START_SECONDS / 0.01)):
        if server.started:
            return
        if not thread.is_alive():
            break
        waited.wait(0.01)
    raise OSError("the sandbox's server does not start; see what it wrote above")


def sandbox_application(routes: Routes, contract: Contract | None = None) -> "ASGIApp":
    """Return the sandbox as an ASGI application.

    Starlette reads requests and writes responses. Its routing is not used: it does not cover every
    path and method that can be sent, and the API answers all of them with its own errors.
    """
    from starlette.requests import Request

    async def application(scope: "Scope", receive: "Receive", send: "Send") -> None:
        request = Request(scope, receive)
        call = _call(request, await request.body())
        with routes.state.lock:
            query = f"?{request.url.query}" if request.url.query else ""
            routes.state.calls.append((call.method, f"{call.path}{query}"))
        if routes.state.latency_seconds and call.path not in CONTROLS:
            await asyncio.sleep(routes.state.latency_seconds)
        answer = routes.answer(call)
        if contract is not None:
            answer = _checked(routes, contract, call, answer)
        await _response(answer)(scope, receive, send)

    return application


def _call(request: "Request", content: bytes) -> Call:
    return Call(
        method=request.method,
        path=request.url.path,
        query=dict(request.query_params),
        authorization=request.headers.get("authorization"),
        content=content,
        content_type=request.headers.get("content-type", "application/json"),
        server=str(request.base_url).rstrip("/"),
    )


def _response(answer: Answer) -> "Response":
    from starlette.responses import Response

    body = answer.body
    # ASCII, so that half a surrogate pair can be sent, as banks do
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = dict(answer.headers)
    return Response(content, answer.status, headers, media_type="application/json")


def _checked(routes: Routes, contract: Contract, call: Call, answer: Answer) -> Answer:
    """Return the answer, or an error if the contract forbids the request or the answer."""
    if answer.status in _SUCCESS:
        problem = contract.problem_of_request(call.method, call.path, call.query, _sent(call))
        if problem:
            refused = refusal("MalformedBody", reason=problem)
            return Answer(refused.body, refused.status)
    is_document = not isinstance(answer.body, bytes)
    if not is_document or _is_injected(routes, call):
        return answer
    problem = contract.problem_of_answer(call.method, call.path, answer.status, answer.body)
    if problem is None:
        return answer
    routes.state.deviations.append(problem)
    error = {"summary": "The sandbox deviates from the contract", "detail": problem}
    return Answer({**error, "status_code": 500}, 500)


def _is_injected(routes: Routes, call: Call) -> bool:
    """Return whether the answer has raw entries that a test or a user added."""
    found = routes.state.account(call.path.split("/")[4]) if "/accounts/" in call.path else None
    return found is not None and bool(found[1].extra_booked)


def _sent(call: Call) -> Any:
    if not call.content or call.method not in {"POST", "PUT"}:
        return None
    kinds = {
        "max_historical_days": int,
        "access_valid_for_days": int,
        "access_scope": list,
        "reconfirmation": bool,
        "account_selection": bool,
        "redirect_immediate": bool,
    }
    try:
        return read_body(call.content, call.content_type, kinds)
    except MalformedBodyError:
        return None
