"""The files of deploy/, read once."""

from typing import Any

import pytest
from tests.integration.deploy.production import (
    load,
)


@pytest.fixture(scope="module")
def helm() -> dict[str, Any]:
    return load("helm/values.yaml")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return load("compose.yaml")["services"]
