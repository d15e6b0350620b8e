"""Lineage events over Kafka, by OpenLineage's transport; needs the extra ``shared-lib[kafka]``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared_lib.observability.background import NotSentError
from shared_lib.observability.sending.header_secrets import revealed
from shared_lib.observability.settings import longest_request_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka import KafkaError, Message, Producer


def connect_kafka(configuration: Mapping[str, Any]) -> "Callable[[Any], None]":
    """Return a function that sends an event to a topic, and raises if no broker confirms it.

    Args:
        configuration: that of the transport; a value ``secret:<path>#<key>`` of its ``config`` is
            read now.

    Raises:
        NotSentError: by the returned function.
    """
    from openlineage.client.transport.kafka import KafkaConfig, KafkaTransport

    # librdkafka's own limits are minutes, and a run may lose seconds
    limits = {"message.timeout.ms": round(longest_request_seconds() * 1000)}
    config = {**limits, **revealed(configuration.get("config", {}))}
    transport = KafkaTransport(KafkaConfig.from_dict({**configuration, "config": config}))
    assert transport.producer is not None  # noqa: S101 - only Airflow connects later
    producer = _ReportingProducer(transport.producer)
    # it logs what is not delivered, which nobody would notice
    transport.producer = producer  # pyright: ignore[reportAttributeAccessIssue]
    return transport.emit


class _ReportingProducer:
    """A producer whose ``flush`` raises what was not delivered."""

    def __init__(self, producer: "Producer") -> None:
        self._producer = producer
        self._problems: list[str] = []

    def produce(self, **message: Any) -> None:
        self._producer.produce(**{**message, "on_delivery": self._delivered})

    def flush(self, timeout: float) -> int:
        left = self._producer.flush(timeout)
        problems, self._problems = self._problems, []
        if problems:
            raise NotSentError(problems[0])
        return left

    def _delivered(self, error: "KafkaError | None", _: "Message") -> None:
        if error is not None:
            self._problems.append(error.str())
