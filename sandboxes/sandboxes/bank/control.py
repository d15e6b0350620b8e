"""Controls that only a sandbox has: set the clock, and make banks return faulty answers."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sandboxes.bank.bank import SCOPES, SandboxState
from sandboxes.bank.fields import check_known, required_text
from sandboxes.bank.ledger import Fault
from sandboxes.bank.refusals import known_errors, refusal

CONTROL_PATH = "/sandbox/clock"
FAULTS_PATH = "/sandbox/faults"


def move_clock(state: SandboxState, body: Mapping[str, Any]) -> dict[str, Any]:
    """Move the clock forward by ``advance_seconds``; return the new time.

    Raises:
        Refusal: the value is not a number of seconds.
    """
    seconds = body.get("advance_seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
        raise refusal("InvalidNumber", value=str(seconds), field="advance_seconds")
    state.clock.advance(timedelta(seconds=seconds))
    return {"now": state.clock.now().isoformat()}


def set_faults(state: SandboxState, body: Mapping[str, Any]) -> dict[str, Any]:
    """Set the faults of the bank of ``account_id`` from now on.

    ``faults`` apply to every answer about transactions and replace earlier ones; ``failures`` are
    the API errors, by name, that the next calls of a scope return.

    Raises:
        Refusal: there is no such account, fault, scope or error.
    """
    check_known(body, dict.fromkeys(("account_id", "faults", "failures")))
    account_id = required_text(body, "account_id")
    found = state.account(account_id)
    if found is None:
        raise refusal("AccountNotFoundError", account=account_id)
    faults, failures = body.get("faults", []), body.get("failures", {})
    _check_names(faults, [fault.value for fault in Fault], "faults")
    _check_names(list(failures), SCOPES, "failures")
    for scope, errors in failures.items():
        _check_names(errors, known_errors(), f"failures.{scope}")
    account = found[1]
    account.ledger.faults = frozenset(Fault(fault) for fault in faults)
    account.failures = {scope: list(errors) for scope, errors in failures.items()}
    return {"account_id": account_id, "faults": sorted(faults), "failures": account.failures}


def _check_names(given: Any, known: Any, field: str) -> None:
    names = given if isinstance(given, list) else [given]
    for name in names:
        if name not in known or not isinstance(given, list):
            raise refusal("InvalidNumber", value=str(name), field=f"{field}: {', '.join(known)}")


CONTROLS: Mapping[str, Callable[[SandboxState, Mapping[str, Any]], dict[str, Any]]] = {
    CONTROL_PATH: move_clock,
    FAULTS_PATH: set_faults,
}
"""The handlers, by the path that a body is posted to."""
