"""Which problems a message shows in full, names, and counts, whatever the room of a format is."""

import re
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.orchestration_platform.alerts.failures import WORDS, failure

from orchestration_platform.alerts.facts.alert import Problem
from orchestration_platform.alerts.messages import blocks
from orchestration_platform.alerts.messages.head import head_message
from orchestration_platform.alerts.messages.message import Incident, Message


def message(errors: list[int], more: int = 0) -> Message:
    problems = tuple(
        Problem(word, "E", f"{word}{'x' * length}", "", f"trace of {word}")
        for word, length in zip(WORDS, errors, strict=False)
    )
    reported = failure(problems=problems, more_problems=more)
    incident = Incident(first=reported, latest=reported, occurrences=1, description="a policy")
    return head_message(incident, environment="qa", ui_url="https://dagster.example.com")


def size(block: blocks.Block) -> int:
    match block:
        case blocks.Failure(problem, longest):
            return 10 + min(len(problem.error), longest)
        case blocks.Names(names):
            return 20 * len(names)
    return 5


@given(
    st.lists(st.integers(0, 2000), max_size=12),
    st.integers(0, 9),
    st.one_of(st.integers(0, 300), st.integers(0, 6000)),
    st.integers(1, 12),
    st.booleans(),
)
def test_each_problem_is_in_full_or_named_or_counted_and_all_that_is_shown_has_room(
    errors: list[int], more: int, total: int, most: int, lists_names: object
) -> None:
    found = message(errors, more)
    room = blocks.Room(
        problems=most, errors=(900, 90), lists_names=bool(lists_names), size=size, total=total
    )
    shown = blocks.of_message(found, room)
    full = [block for block in shown if isinstance(block, blocks.Failure)]
    names = [name for block in shown if isinstance(block, blocks.Names) for name in block.names]
    counted = [
        int(count)
        for block in shown
        if isinstance(block, blocks.Note)
        for count in re.findall(r"^and (\d+) more step", block.text)
    ]
    reported = [block.problem.name for block in full] + names
    assert reported == WORDS[: len(reported)]
    assert len(full) <= most
    assert len(reported) + sum(counted) == len(errors) + more
    assert not names or lists_names
    # header, facts, description and links have 5 each, and are always there
    assert sum(map(size, full)) + 20 * len(names) <= max(total - 20, 0)
    if len({block.longest for block in full}) == 1 and len(errors) <= most:
        whole = [size(blocks.Failure(problem, 900)) for problem in found.problems]
        assert (full[0].longest == 900) == (sum(whole) <= total - 20)


@given(st.integers(0, 40), st.integers(0, 300), st.one_of(st.none(), st.integers(0, 30)))
def test_each_note_of_a_policy_is_shown_or_counted_and_has_room(
    number: int, total: int, most: int | None
) -> None:
    notes = tuple(f"note {one}" for one in range(number))
    found = replace(message([10], more=0), notes=notes, description="")
    shown = blocks.of_message(found, blocks.Room(notes=most, size=size, total=total))
    texts = [block.text for block in shown if isinstance(block, blocks.Note)]
    whole = [text for text in texts if text in notes]
    counted = [int(n) for text in texts for n in re.findall(r"^and (\d+) more note", text)]
    assert whole == list(notes[: len(whole)])
    assert len(whole) + sum(counted) == number
    assert 5 * len(whole) <= max(total - 15, 0) / 2
    assert most is None or len(whole) <= most


def test_a_format_with_traces_has_each_below_its_problem() -> None:
    shown = blocks.of_message(message([1, 2, 3]), blocks.Room(traces=True))
    below = [
        (first.problem.name, second.text)
        for first, second in pairwise(shown)
        if isinstance(first, blocks.Failure) and isinstance(second, blocks.Trace)
    ]
    assert below == [(word, f"trace of {word}") for word in WORDS[:3]]
