"""Column lineage is found where it can be, and a model without it stops nothing."""

import logging
from typing import Any

import pytest

from shared_lib.dbt.lineage import compute_column_lineage

ORDERS = "source.shop.raw.orders"


def model(name: str, code: str, *upstream: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "resource_type": "model",
        "schema": "marts",
        "compiled_code": code,
        "columns": {},
        "depends_on": {"nodes": list(upstream)},
        **more,
    }


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("def model(dbt, session):\n    return dbt.ref('x')", {"language": "python"}),
        ("pivot raw.orders on article using sum(pieces)", {}),
        ("select from where (", {}),
        ("insert into a values (1)", {}),
    ],
)
def test_a_model_without_lineage_is_named_and_the_others_have_theirs(
    caplog: pytest.LogCaptureFixture, code: str, more: dict[str, Any]
) -> None:
    odd = model("odd", code, ORDERS, columns={"article": {}}, **more)
    after = model("after", "select article as thing from marts.odd", "model.shop.odd")
    plain = model("plain", "select pieces + 1 as more from raw.orders", ORDERS)
    manifest = {
        "sources": {
            ORDERS: {
                "name": "orders",
                "resource_type": "source",
                "schema": "raw",
                "columns": {"article": {}, "pieces": {}},
            }
        },
        "nodes": {f"model.shop.{one['name']}": one for one in (odd, after, plain)},
    }

    with caplog.at_level(logging.WARNING):
        lineage = compute_column_lineage(manifest)

    assert lineage["model.shop.plain"] == {"more": [(ORDERS, "pieces")]}
    assert lineage["model.shop.after"] == {"thing": [("model.shop.odd", "article")]}
    if "model.shop.odd" not in lineage:
        [warning] = caplog.messages
        assert warning.startswith("no column lineage of the model odd: ")
