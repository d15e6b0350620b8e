"""Messages are ones that Slack accepts and that call nobody, whatever the error says."""

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.integration.orchestration_platform.alerts.slack_server import (
    problem_of,
    texts_of,
    units,
)
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts import slack_text
from orchestration_platform.alerts.alert import Problem
from orchestration_platform.alerts.formats.slack import (
    LONGEST_MESSAGE,
    Content,
    entry_content,
    head_content,
    plain_text,
)
from orchestration_platform.alerts.message import (
    Incident,
    Message,
    head_message,
    recovery_entry,
    repeat_entry,
    trace_entry,
)

UI = "https://dagster.example.com"
PIECES = [
    "```", "`", "<!channel>", "<@U1>", "@here", "&", "<", ">", "&amp;", "\x1b[31mred\x1b[0m",
    "👩\u200d👩\u200d👧", "👍🏽", "🇩🇪", "e\u0301", "\ud800", "\x00", "\r\n", "\u202e", "]", "*",
    "~",
    "<https://evil.example.com|ok>", "\u2028", "字" * 40, "x" * 900, "\t",
]  # fmt: skip
hostile = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=20)), max_size=60).map(
    "".join
)


def incident(text: str, steps: int = 1, **changes: Any) -> Incident:
    found = tuple(
        Problem(f"{text}{n}", f"{text[:300]}Error{n}", text, text, text) for n in range(steps)
    )
    told = failure(
        subject=text, location=text, partition=text, backfill=text, launched_by=text,
        problems=found, more_problems=3, attempt=2, run_id=text[:40], assets=(text,),
    )  # fmt: skip
    values = {"occurrences": 3, "partitions": (text,) * 20, "partition_count": 400}
    return Incident(first=told, latest=told, description=text, **{**values, **changes})


def message(told: Incident, environment: str = "production") -> Message:
    return head_message(told, environment=environment, ui_url=UI)


def shown(told: Incident, **mentions: str) -> Content:
    return head_content(message(told, "qa"), mentions=mentions)


@settings(max_examples=80, deadline=None)
@example("x" * 30_000, 10)
@example("&" * 30_000, 10)
@example("👩\u200d👩\u200d👧" * 2_000, 10)
@example("`" * 9_000, 10)
@given(hostile, st.integers(1, 10))
def test_no_error_makes_a_message_that_slack_refuses(text: str, steps: int) -> None:
    told = incident(text, steps, recovered_at=2_000_000.0)
    trace = trace_entry(told.first)
    contents = [
        head_content(message(told), mentions={}),
        {"text": plain_text(message(told))},
        *(
            entry_content(entry, mentions={}, about=about)
            for entry in (trace, repeat_entry(told.first, 3, ui_url=UI), recovery_entry(told))
            if entry
            for about in ("", text)
        ),
    ]
    for content in contents:
        assert problem_of(content) is None
        texts = texts_of(content)
        assert sum(map(units, texts)) <= LONGEST_MESSAGE
        for part in texts:
            calls_nobody_and_is_whole(part)


def calls_nobody_and_is_whole(part: str) -> None:
    part.encode("utf-8")
    assert not re.search(r"@(channel|here|everyone)", part, re.IGNORECASE)
    for link in re.findall(r"<[^>]*>?", part):
        assert re.fullmatch(rf"<{UI}/runs/[^|>]*\|[^<>]*>", link)
    assert part.count("```") in (0, 2)
    assert not re.search(r"&(?!(amp|lt|gt);)", part)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x1b\u202e]", part)


@settings(max_examples=200, deadline=None)
@given(hostile, st.integers(10, 400))
def test_a_text_is_never_cut_inside_a_character(text: str, limit: int) -> None:
    clean = slack_text.clean(text)
    kept = slack_text.cut(clean, limit)
    assert slack_text.length(kept) <= limit
    if kept != clean:
        kept = kept.removesuffix(" …")
        following = clean[len(kept) :]
        assert clean.startswith(kept)
        assert not kept.endswith("\u200d")
        assert following[:1] not in ("\u200d", "\u0301", "🏽")


def test_a_flag_is_not_cut_in_half() -> None:
    assert slack_text.cut("🇩🇪" * 5, 16) == "🇩🇪" * 3 + " …"


def test_more_steps_than_are_shown_are_counted() -> None:
    steps = tuple(
        Problem(f"step_{n}", "ValueError", f"word {'abcdef'[n]}", "", "") for n in range(6)
    )
    told = failure(problems=steps, more_problems=2)
    content = shown(Incident(first=told, latest=told, occurrences=1))
    assert "and 4 more steps" in texts_of(content)


def test_the_steps_button_opens_the_log_of_the_failed_step() -> None:
    told = failure(step="load[3]")
    content = shown(Incident(first=told, latest=told, occurrences=1))
    urls = {e["text"]["text"]: e["url"] for e in content["blocks"][-1]["elements"]}
    assert urls["Run"] == f"{UI}/runs/run-0"
    assert "logs=step%3Aload%5B3%5D" in urls["Logs of the step"]


@pytest.mark.parametrize("trace", ["", "a trace"])
def test_a_death_without_an_error_has_no_trace_to_show(trace: str) -> None:
    assert (trace_entry(failure(trace=trace)) is not None) == bool(trace)
