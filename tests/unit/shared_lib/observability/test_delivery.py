"""Sending in the background: bounded, independent, and errors reported once."""

import threading
import time
from collections.abc import Callable
from typing import Any

from shared_lib.observability.background import Channel, Delivery, NotSentError


def refuse(_: Any) -> None:
    raise NotSentError("HTTP 503")


def channel(name: str = "traces", connect: Callable[[], Any] = list, threads: int = 1) -> Channel:
    return Channel(name, connect, threads)


def test_events_are_sent_in_order_over_one_connection() -> None:
    senders: list[list[int]] = []

    def connect() -> list[int]:
        senders.append([])
        return senders[-1]

    one = channel(connect=connect)
    for number in range(100):
        one.submit(lambda sender, number=number: sender.append(number))
    delivery = Delivery((one,))
    delivery.wait(60)
    assert senders == [list(range(100))]
    assert delivery.complaint() is None
    assert not delivery.has_failed()


def test_nothing_is_connected_before_something_is_sent() -> None:
    one = channel(connect=lambda: 1 / 0)
    started = time.monotonic()
    Delivery((one,)).wait(30)
    assert time.monotonic() - started < 20
    assert one.complaint() is None


def test_an_endpoint_that_keeps_refusing_is_given_up_and_all_is_counted() -> None:
    asked: list[int] = []
    one = channel()
    for number in range(10):
        one.submit(lambda _, number=number: (asked.append(number), refuse(None)))
    delivery = Delivery((one,))
    delivery.wait(60)
    assert asked == [0, 1, 2]
    assert delivery.complaint() == (
        "not sent: 10 to traces (HTTP 503). The run is not affected. Check the endpoint, or unset "
        "its variable (docs/observability.md)"
    )


def test_refusals_now_and_then_do_not_end_it() -> None:
    sent: list[int] = []
    one = channel()
    for number in range(9):
        one.submit(refuse if number % 2 else lambda _, number=number: sent.append(number))
    Delivery((one,)).wait(60)
    assert sent == [0, 2, 4, 6, 8]
    assert one.complaint() == "4 to traces (HTTP 503)"


def test_waiting_ends_in_time_and_reports_what_was_not_sent() -> None:
    released = threading.Event()
    stuck, well = channel("lineage"), channel("traces")
    done: list[bool] = []
    for _ in range(3):
        stuck.submit(lambda _: released.wait(30))
    well.submit(lambda _: done.append(True))
    delivery = Delivery((stuck, well))
    started = time.monotonic()
    delivery.wait(0.3)
    assert 0.3 <= time.monotonic() - started < 20
    assert done == [True]
    complaint = delivery.complaint()
    released.set()
    assert complaint
    assert complaint.startswith("not sent: 3 to lineage (it took too long). ")


def test_a_failed_connection_is_a_reason() -> None:
    def connect() -> None:
        raise ConnectionError("no route\nto host")

    one = channel(connect=connect)
    one.submit(lambda _: None)
    Delivery((one,)).wait(60)
    assert one.complaint() == "1 to traces (ConnectionError: no route to host)"


def test_a_queue_is_bounded() -> None:
    released = threading.Event()
    one = channel()
    for _ in range(10_002):
        one.submit(lambda _: released.wait(30))
    released.set()
    assert one.has_failed()


def test_processor_time_of_the_threads_is_accounted_for() -> None:
    def work(_: Any) -> None:
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass

    one = channel()
    one.submit(work)
    delivery = Delivery((one,))
    delivery.wait(60)
    assert 0.1 <= delivery.take_processor_seconds() < 0.3
    assert delivery.take_processor_seconds() == 0
