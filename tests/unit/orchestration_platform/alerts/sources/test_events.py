"""What was stored within the last minute is read again."""

from orchestration_platform.alerts.facts.timing import TIMING
from orchestration_platform.alerts.sources.feeds.events import Position


def test_reading_continues_from_where_the_log_was_a_minute_before_the_last_read() -> None:
    position = Position(((0.0, "a"),))
    for second in range(10, 300, 10):
        position = position.advanced(f"at {second}", float(second))
        earlier = second - TIMING.overlap
        assert position.resume_from() == (f"at {int(earlier)}" if earlier > 0 else "a")
    assert len(position.marks) <= TIMING.overlap / 10 + 2
    assert Position.from_json(position.to_json()) == position


def test_a_pause_settles_nothing() -> None:
    # an event with a lower number may be committed after the last read, however long ago that was
    position = Position(((0.0, "a"),)).advanced("b", 50.0)
    assert position.resume_from() == "a"
    assert position.advanced("c", 109.0).resume_from() == "a"
    assert position.advanced("c", 110.0).resume_from() == "b"
