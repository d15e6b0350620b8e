"""``python -m orchestration_platform.board.metrics.documents``: write the table of the metrics."""

from orchestration_platform.board.metrics.scrape import METRICS
from shared_lib.configuration.environment import REPOSITORY_ROOT

PAGE = REPOSITORY_ROOT / "docs" / "metrics.md"

_INTRODUCTION = """# Metrics

`/metrics` of the webserver, which `make docs` describes here from the code. Names and labels are
those of dagster-prometheus-exporter where it has the same fact, so that its dashboards work. A
metric that is "1 with" a state has one series for each thing, with the present state as a label.
Times are in seconds since 1970.

Counters count from the start of the webserver. `dagster_exporter_last_scrape_success` is 0 for what
could not be read; the other metrics are there all the same.

`deploy/prometheus/` has an example configuration of Prometheus and alert rules with their tests,
`deploy/grafana/` a dashboard. The rules report what Dagster's own alerts cannot, as they run in it.
"""


def metrics_page() -> str:
    """Return the page of the manual."""
    lines = [_INTRODUCTION, "| metric | kind | labels | meaning |", "| --- | --- | --- | --- |"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(metrics_page(), encoding="utf-8")
