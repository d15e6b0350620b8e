"""Servers that a test starts as processes."""

import subprocess
from pathlib import Path

import requests

from sandboxes.waiting import wait_until


def wait_until_it_answers(
    url: str, server: subprocess.Popen[bytes], log: Path, *, seconds: float
) -> None:
    """Return when ``url`` answers.

    Raises:
        AssertionError: the server ended, or did not answer in time; shows its log.
        requests.HTTPError: the answer was an error.
    """

    def answers() -> bool:
        assert server.poll() is None, log.read_text()
        try:
            requests.get(url, timeout=5).raise_for_status()
        except (requests.ConnectionError, requests.Timeout):
            return False
        return True

    wait_until(answers, seconds=seconds, why_not=log.read_text)
