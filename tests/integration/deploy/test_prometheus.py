"""The shipped rules, dashboard and configuration of Prometheus fit the metrics that are served."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration_platform.board.metrics.scrape import METRICS

REPOSITORY = Path(__file__).parents[3]
PROMETHEUS = REPOSITORY / "deploy" / "prometheus"
DASHBOARD = REPOSITORY / "deploy" / "grafana" / "dashboards" / "dagster.json"

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="Debian's prometheus is not installed")


def promtool(*arguments: object) -> None:
    done = subprocess.run(
        [PROMTOOL or "", *map(str, arguments)], capture_output=True, text=True, cwd=PROMETHEUS
    )
    assert done.returncode == 0, done.stdout + done.stderr


def panels() -> list[dict[str, Any]]:
    return json.loads(DASHBOARD.read_text())["panels"]


def expressions() -> Iterator[tuple[str, str]]:
    """Name and query of each panel and each rule."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for group in yaml.safe_load((PROMETHEUS / "dagster_alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


@needs_promtool
def test_the_rules_fire_when_they_should() -> None:
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "dagster_alerts.yml")
    promtool("test", "rules", "dagster_alerts_test.yml")


def test_every_rule_has_a_test() -> None:
    rules = yaml.safe_load((PROMETHEUS / "dagster_alerts.yml").read_text())["groups"][0]["rules"]
    tests = yaml.safe_load((PROMETHEUS / "dagster_alerts_test.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"]
             if case.get("exp_alerts")}  # fmt: skip
    assert fired == {rule["alert"] for rule in rules}


@needs_promtool
def test_every_query_is_valid_and_names_what_is_served(tmp_path: Path) -> None:
    served = {metric.name: metric for metric in METRICS}
    rules = []
    for number, (title, expression) in enumerate(expressions()):
        names = set(re.findall(r"dagster_\w+", expression))
        assert names or "up{" in expression, title
        assert names <= set(served), title
        labels = {label for name in names for label in served[name].labels} | {"job", "__name__"}
        used = re.findall(r"(\w+)\s*(?:=~|!=|!~|=)\s*\"", expression)
        used += re.findall(r"\w+", " ".join(re.findall(r"(?:by|on) \(([^)]*)\)", expression)))
        assert set(used) <= labels, title
        rules.append({"record": f"query_{number}", "expr": expression})
    for panel in panels():
        [target] = panel["targets"]
        names = set(re.findall(r"dagster_\w+", target["expr"]))
        labels = {label for name in names for label in served[name].labels} | {"__name__"}
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels, panel["title"]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    promtool("check", "rules", file)


def test_every_metric_is_in_a_panel_or_a_rule() -> None:
    shown = {name for _, query in expressions() for name in re.findall(r"dagster_\w+", query)}
    assert {metric.name for metric in METRICS} <= shown


def test_panels_do_not_overlap() -> None:
    cells = [
        (column, row)
        for panel in panels()
        for place in [panel["gridPos"]]
        for column in range(place["x"], place["x"] + place["w"])
        for row in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24
