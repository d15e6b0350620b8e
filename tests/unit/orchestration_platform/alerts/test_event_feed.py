"""What was stored within the last minute is read again."""

from orchestration_platform.alerts.facts.timing import TIMING
from orchestration_platform.alerts.sources.event_feed import Position


def test_reading_continues_from_where_the_log_was_a_minute_ago() -> None:
    position = Position(((0.0, "a"),))
    for second in range(10, 300, 10):
        position = position.advanced(f"at {second}", float(second))
        resumed = position.resume_from(float(second))
        earlier = second - TIMING.overlap
        assert resumed == (f"at {int(earlier)}" if earlier > 0 else "a")
    assert len(position.marks) <= TIMING.overlap / 10 + 2
    assert Position.from_json(position.to_json()) == position


def test_after_a_long_pause_nothing_is_left_out() -> None:
    position = Position(((0.0, "a"),)).advanced("b", 50.0)
    assert position.resume_from(55.0) == "a"
    assert position.resume_from(5000.0) == "b"
