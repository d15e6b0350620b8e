"""Lineage events over Kafka, to the broker that Kafka's own C library has for tests."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from confluent_kafka import Consumer, Producer

from sandboxes.serving import nobody_listening
from shared_lib.observability.background import NotSentError
from shared_lib.observability.lineage.steps import run_event
from shared_lib.observability.sending.transports import connect_lineage
from shared_lib.observability.settings import current_settings

TOPIC = "lineage"
EVENT = run_event(
    "18c9323f-d85b-4934-b8da-37afed3d4848", "shop", state="START",
    moment=datetime(2026, 1, 1, tzinfo=UTC), error=None, namespace="platform",
)  # fmt: skip


@pytest.fixture
def broker() -> Iterator[str]:
    """The address of a broker; it ends with the client that has it."""
    owner = Producer({"test.mock.num.brokers": 1})
    (found,) = owner.list_topics(timeout=60).brokers.values()
    yield f"{found.host}:{found.port}"
    owner.flush()


def send(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Sends the event as the variables say."""
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "kafka")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TOPIC", TOPIC)
    config = json.dumps({"bootstrap.servers": address})
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__CONFIG", config)
    endpoint = current_settings().lineage
    assert endpoint is not None
    connect_lineage(endpoint)(EVENT)


def test_an_event_is_in_the_topic(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    send(monkeypatch, broker)
    consumer = Consumer(
        {"bootstrap.servers": broker, "group.id": "test", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([TOPIC])
    message = consumer.poll(30)
    consumer.close()
    assert message is not None
    # events of one job are in one partition, so in order
    assert message.key() == b"run:platform/shop"
    assert json.loads(message.value())["run"]["runId"] == EVENT.run.runId


def test_an_event_that_no_broker_confirms_is_reported_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    with nobody_listening() as url, pytest.raises(NotSentError, match="timed out"):
        send(monkeypatch, url.removeprefix("http://"))
