"""A heartbeat after each completed pass, for a service that raises the alarm when none arrives."""

import logging
import os
import threading

from orchestration_platform.alerts.facts.logger import LOGGER_NAME
from orchestration_platform.alerts.facts.timing import TIMING
from orchestration_platform.alerts.services.protocol.configuration import HandsOutSecrets
from orchestration_platform.alerts.services.protocol.errors import ServiceUnavailableError
from orchestration_platform.alerts.services.protocol.http import checked_address
from shared_lib.secrets import SecretError, redact

URL_VARIABLE = "ALERTS_HEARTBEAT_URL"
SECRET_VARIABLE = "ALERTS_HEARTBEAT_SECRET"  # noqa: S105 - the name of a variable
# A thread cannot be stopped from outside. While this many hang, no other is started.
MOST_HANGING = 3

_THREAD = "alerts heartbeat"


def send_heartbeat(secrets: HandsOutSecrets, *, seconds: float = TIMING.heartbeat) -> str:
    """Request the address that the environment names, if any; return what went wrong.

    ``ALERTS_HEARTBEAT_URL`` is the address, or ``ALERTS_HEARTBEAT_SECRET`` the path of a secret
    whose key ``url`` holds it. Takes at most ``seconds`` and raises nothing: sent alerts stay sent.
    """
    problem = _done_in_time(secrets, seconds)
    if not problem:
        return ""
    variable = SECRET_VARIABLE if os.environ.get(SECRET_VARIABLE) else URL_VARIABLE
    where = "" if variable in problem else f" (check what {variable} names)"
    report = redact(f"no heartbeat was sent: {problem}{where}")
    logging.getLogger(LOGGER_NAME).warning(report)
    return report


def _address(secrets: HandsOutSecrets) -> str:
    url, path = os.environ.get(URL_VARIABLE), os.environ.get(SECRET_VARIABLE)
    if url and path:
        raise ValueError(f"{URL_VARIABLE} and {SECRET_VARIABLE} are both set: unset one")
    if path:
        url = secrets.get(path)["url"].reveal()
        return checked_address(url, what=f"url of the secret {path}")
    return checked_address(url or "", what=URL_VARIABLE)


def _done_in_time(secrets: HandsOutSecrets, seconds: float) -> str:
    """Return what went wrong, in time even if a name does not resolve or Vault is slow."""
    problem = [f"it took more than {seconds:g} s"]

    def do() -> None:
        try:
            problem[0] = _request(_address(secrets), seconds)
        except (SecretError, ServiceUnavailableError, ValueError) as error:
            problem[0] = str(error)
        except Exception as error:  # noqa: BLE001 - reported in the tick
            # its text may contain the address, which is secret
            problem[0] = type(error).__name__

    if not (os.environ.get(URL_VARIABLE) or os.environ.get(SECRET_VARIABLE)):
        return ""
    hanging = sum(thread.name == _THREAD for thread in threading.enumerate())
    if hanging >= MOST_HANGING:
        return f"{hanging} earlier ones have not ended"
    thread = threading.Thread(target=do, name=_THREAD, daemon=True)
    thread.start()
    thread.join(seconds)
    return problem[0]


def _request(address: str, seconds: float) -> str:
    import requests

    try:
        with requests.get(address, timeout=seconds, allow_redirects=False, stream=True) as answer:
            return "" if answer.ok else f"the answer was {answer.status_code}"
    except (requests.RequestException, OSError) as error:
        # the error's own text contains the address, which is secret
        return f"no answer: {type(error).__name__}"
