"""A value with a known secret is not stored, whatever it is wrapped in."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from shared_lib.definitions_check import workspace_modules
from shared_lib.secrets.io_manager import GuardedIOManager, SecretInOutputError
from shared_lib.secrets.redaction.registry import know

SECRET = "s3cr3t/of the-shop"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as found:
        yield found


def passed_on(value: Any, instance: dg.DagsterInstance) -> Any:
    """What a second step receives of ``value``."""

    @dg.op
    def gives() -> Any:
        return value

    @dg.op
    def takes(given: Any) -> None:
        received.append(given)

    @dg.job(resource_defs={"io_manager": GuardedIOManager()})
    def passing() -> None:
        takes(gives())

    received: list[Any] = []
    passing.execute_in_process(instance=instance)
    return received[0]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda secret: secret,
        lambda secret: {"request": [f"https://bank?token={secret}"]},
        lambda secret: secret.encode(),
        lambda secret: quote(secret, safe=""),
        lambda secret: pd.DataFrame({"token": ["a", secret]}),
        lambda secret: np.array([secret, "a"]),
        lambda secret: ValueError(f"refused {secret}"),
    ],
    ids=["text", "nested", "bytes", "in a URL", "data frame", "array", "exception"],
)
def test_it_is_refused_by_name_and_nothing_is_stored(
    wrap: Callable[[str], Any],
    instance: dg.DagsterInstance,
    tmp_path: Path,
) -> None:
    know(SECRET, name="shop/api token")

    with pytest.raises(SecretInOutputError, match="contains the secret shop/api token") as raised:
        passed_on(wrap(SECRET), instance)

    assert SECRET not in str(raised.value)
    assert not list(tmp_path.rglob("gives/result"))


def test_another_value_is_passed_on_as_ever(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    know(SECRET, name="shop/api token")

    assert passed_on({"rows": 3, "name": "shop/api token"}, instance)["rows"] == 3
    assert list(tmp_path.rglob("gives/result"))


def test_a_value_that_cannot_be_pickled_has_dagsters_own_error(
    instance: dg.DagsterInstance,
) -> None:
    know(SECRET, name="shop/api token")

    with pytest.raises(dg.DagsterInvariantViolationError, match="not picklable"):
        passed_on(lambda: None, instance)


def test_every_location_stores_its_values_that_way() -> None:
    for module in workspace_modules().values():
        resources = importlib.import_module(module).defs.resources
        assert isinstance(resources["io_manager"], GuardedIOManager), module
