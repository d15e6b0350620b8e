"""Each test has a process that knows no secret, and an empty configuration."""

import logging
import os
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _as_if_just_started(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from shared_lib.secrets.redaction import registry
    from shared_lib.secrets.vault import backend

    for name in list(os.environ):
        if name.startswith(("VAULT_", "BAO_", "AWS_", "SECRETS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    monkeypatch.setattr(registry, "_names", {})
    monkeypatch.setattr(registry, "_compiled", None)
    factory, output, errors = logging.getLogRecordFactory(), sys.stdout, sys.stderr
    backend.forget_backends()
    yield
    backend.forget_backends()
    logging.setLogRecordFactory(factory)
    sys.stdout, sys.stderr = output, errors
