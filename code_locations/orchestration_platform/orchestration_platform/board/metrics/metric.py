"""A metric: what it is called, means and is labelled with."""

from dataclasses import dataclass
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

Family = GaugeMetricFamily | CounterMetricFamily


@dataclass(frozen=True)
class Metric:
    """A declared metric.

    Attributes:
        name: as Prometheus has it.
        meaning: in one sentence, with the unit of the value.
        labels: in the order in which values are added.
        kind: a counter only grows, until the webserver starts anew.
    """

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    kind: Literal["gauge", "counter"] = "gauge"

    def family(self) -> Family:
        """Return the metric without values."""
        make = GaugeMetricFamily if self.kind == "gauge" else CounterMetricFamily
        return make(self.name, self.meaning, labels=self.labels)
