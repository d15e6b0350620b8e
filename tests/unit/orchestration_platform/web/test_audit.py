"""What the audit log shows of the arguments of a change."""

import json
from typing import Any

import pytest

from orchestration_platform.web.audit import shown


def test_a_long_argument_hides_nothing_beside_it() -> None:
    selector = {"jobName": "nightly", "repositoryLocationName": "shop"}
    text = shown({"executionParams": {"runConfigData": {"x": "y" * 9_000}, "selector": selector}})
    assert '"jobName": "nightly"' in text
    assert '"shop"' in text
    assert len(text) < 9_000


@pytest.mark.parametrize(
    "argument", ["\ud800", "\0", "[" * 200_000, json.dumps({"a": "\ud800"})], ids=range(4)
)
def test_odd_arguments_are_recorded_too(argument: Any) -> None:
    text = shown({"argument": argument, "name": "nightly"})
    assert "nightly" in text
    text.encode()
