"""Messages are ones that Slack accepts and that call nobody, whatever the error says."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.facts.alert import Problem
from orchestration_platform.alerts.messages import text as slack_text
from orchestration_platform.alerts.messages.formats.slack import (
    LONGEST_MESSAGE,
    Content,
    entry_content,
    head_content,
    plain_text,
)
from orchestration_platform.alerts.messages.head import head_message
from orchestration_platform.alerts.messages.message import Incident, Message
from orchestration_platform.alerts.messages.thread import recovery_entry, repeat_entry, trace_entry
from sandboxes.slack.limits import problem_of, texts_of, units

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
    reported = failure(
        subject=text, location=text, partition=text, backfill=text, launched_by=text,
        problems=found, more_problems=3, attempt=2, run_id=text[:40], assets=(text,),
    )  # fmt: skip
    values = {"occurrences": 3, "partitions": (text,) * 20, "partition_count": 400}
    return Incident(first=reported, latest=reported, description=text, **{**values, **changes})


def message(reported: Incident, environment: str = "production") -> Message:
    return head_message(reported, environment=environment, ui_url=UI)


def shown(reported: Incident, **mentions: str) -> Content:
    return head_content(message(reported, "qa"), mentions=mentions)


@settings(max_examples=80, deadline=None)
@example("x" * 30_000, 10)
@example("&" * 30_000, 10)
@example("👩\u200d👩\u200d👧" * 2_000, 10)
@example("`" * 9_000, 10)
@example("x" * 30_000 + "\n" + "&\n" * 5_000, 60)
@example("́" * 30_000, 3)
@given(hostile, st.sampled_from([*range(1, 11), 20, 60]))
def test_no_error_makes_a_message_that_slack_refuses(text: str, steps: int) -> None:
    reported = incident(text, steps, recovered_at=2_000_000.0)
    trace = trace_entry(reported.first)
    contents = [
        head_content(message(reported), mentions={}),
        {"text": plain_text(message(reported))},
        *(
            entry_content(entry, mentions={}, about=about)
            for entry in (
                trace,
                repeat_entry(reported.first, 3, ui_url=UI),
                recovery_entry(reported),
            )
            if entry
            for about in ("", text)
        ),
    ]
    for content in contents:
        assert problem_of(content) is None
        texts = texts_of(content)
        assert sum(map(units, texts)) <= LONGEST_MESSAGE
        # a header is plain text, in which an & is an &
        headers = [block["text"]["text"] for block in content.get("blocks", ())
                   if block["type"] == "header"]  # fmt: skip
        for part in texts:
            calls_nobody_and_is_whole(part.replace("&", "&amp;") if part in headers else part)


# a moment, as Slack shows it in the zone of the reader
_TIME = r"!date\^\d+\^\{date_short_pretty\} \{time\}"


def calls_nobody_and_is_whole(part: str) -> None:
    part.encode("utf-8")
    assert not re.search(r"@(channel|here|everyone)", part, re.IGNORECASE)
    for link in re.findall(r"<[^>]*>?", part):
        assert re.fullmatch(rf"<({UI}/runs/[^|>]*|{_TIME})\|[^<>]*>", link)
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


def texts_of_failure(problems: Sequence[Problem], more: int = 0) -> list[str]:
    """All texts of the message of a failure."""
    reported = failure(problems=tuple(problems), more_problems=more)
    content = shown(Incident(first=reported, latest=reported, occurrences=1))
    assert problem_of(content) is None
    texts = texts_of(content)
    assert sum(map(units, texts)) <= LONGEST_MESSAGE
    return texts


def of_dbt(number: int, message: str, kind: str = "model") -> Problem:
    name = f"m_{chr(97 + number // 26)}{chr(97 + number % 26)}"
    return Problem(
        "dbt_models", f"dbt {kind} {name}", f"{message} {name}", f"models/{name}.sql", ""
    )


def test_steps_that_were_not_kept_are_counted() -> None:
    steps = [Problem(f"step_{n}", "ValueError", f"word {'abcdef'[n]}", "", "") for n in range(6)]
    texts = texts_of_failure(steps, more=2)
    assert "and 2 more steps" in texts
    assert all(any(f"ValueError: word {word}" in text for text in texts) for word in "abcdef")


@pytest.mark.parametrize("words", [5, 300])
def test_each_of_twelve_models_that_failed_is_reported_with_its_own_message(words: int) -> None:
    texts = texts_of_failure([of_dbt(n, "no such column " * words) for n in range(12)])
    for name in (f"m_a{chr(97 + n)}" for n in range(12)):
        [text] = [text for text in texts if f"`models/{name}.sql`" in text]
        assert f"dbt model {name}: no such column" in text
    assert not any("more" in text for text in texts)


def test_models_and_tests_that_do_not_fit_are_named_and_what_was_not_kept_is_counted() -> None:
    kinds = ["model"] * 30 + ["test"] * 20
    problems = [of_dbt(n, "no such column " * 100, kind) for n, kind in enumerate(kinds)]
    texts = texts_of_failure(problems, more=7)
    [listed] = [text for text in texts if text.startswith("• ")]
    in_full = [text for text in texts if "```" in text]
    names = listed.splitlines()
    assert len(in_full) >= 10
    assert len(in_full) + len(names) == 50
    assert names[-1] == "• dbt test m_bx"
    assert "and 7 more models and tests" in texts


@pytest.mark.parametrize(("kind", "noun"), [("model", "models"), ("unit test", "tests")])
def test_what_is_counted_is_called_what_it_is(kind: str, noun: str) -> None:
    assert f"and 3 more {noun}" in texts_of_failure([of_dbt(0, "bad", kind)], more=3)


def traces_of(*traces: str) -> tuple[str, list[str]]:
    """The line of the thread, and the texts below it."""
    steps = tuple(
        Problem(f"step_{chr(97 + n)}", "ValueError", f"word {chr(97 + n)}", "", trace)
        for n, trace in enumerate(traces)
    )
    entry = trace_entry(failure(problems=steps))
    assert entry is not None
    content = entry_content(entry, mentions={})
    assert problem_of(content) is None
    assert sum(map(units, texts_of(content))) <= LONGEST_MESSAGE
    return content["text"], texts_of(content["blocks"])


def lines_in(texts: list[str]) -> list[str]:
    return [line for text in texts for line in text.split("\n") if line != "```"]


def frames(count: int, line: str = "ValueError: it is bad") -> str:
    lines = [f'  File "jobs.py", line {n}, in load_{n} & more' for n in range(count)]
    return "\n".join([*lines, line])


def test_a_trace_that_fits_into_the_message_is_whole_in_the_thread() -> None:
    trace = frames(180)
    _, texts = traces_of(trace)
    assert len(texts) > 2
    assert lines_in(texts) == ["*step_a*", *trace.replace("&", "&amp;").split("\n")]


def test_of_a_trace_that_does_not_fit_the_middle_is_left_out_and_counted() -> None:
    trace = frames(600).replace("&", "and")
    _, texts = traces_of(trace)
    lines = lines_in(texts)[1:]
    [line] = [line for line in lines if line.startswith("… ")]
    at = lines.index(line)
    before, after = lines[:at], lines[at + 1 :]
    assert trace.split("\n")[: len(before)] == before
    assert trace.split("\n")[-len(after) :] == after
    assert line == f"… {601 - len(before) - len(after)} lines left out, the run's log has them …"
    assert 0 < len(before) < len(after)
    assert sum(map(units, texts)) > 0.95 * LONGEST_MESSAGE


def test_a_short_trace_beside_long_ones_is_whole_and_the_long_ones_share_the_room() -> None:
    _, texts = traces_of(frames(600), frames(3), frames(600))
    together = "\n".join(texts)
    first, short, second = (
        part for part in re.split(r"^\*step_\w\*\n", together, flags=re.MULTILINE) if part
    )
    assert "left out" not in short
    assert first.count("left out") == second.count("left out") == 1
    assert abs(units(first) - units(second)) < 200
    assert all(part.strip("\n`").endswith("ValueError: it is bad") for part in (first, second))


def test_each_of_twenty_steps_has_the_end_of_its_trace_and_more_are_counted() -> None:
    line, texts = traces_of(*(frames(300, f"ValueError: word {chr(97 + n)}") for n in range(25)))
    assert "20 of 25 steps" in line
    together = "\n".join(texts)
    assert all(f"ValueError: word {chr(97 + n)}\n```" in together for n in range(20))


def test_of_a_line_that_does_not_fit_the_beginning_stays() -> None:
    _, texts = traces_of("ValueError: " + "word " * 5_000)
    lines = lines_in(texts)
    assert lines[1] == "… the ends of long lines are left out, the run's log has them …"
    assert lines[2].startswith("ValueError: word")
    assert lines[-1].endswith(" …")
    assert sum(map(units, texts)) > 4_000


def test_a_line_longer_than_a_block_continues_in_the_next() -> None:
    line = "".join(f"word {n} 👩\u200d👩\u200d👧 " for n in range(400)).strip()
    _, texts = traces_of(line)
    pieces = [re.sub(r"^\*step_a\*\n", "", text)[4:-4] for text in texts]
    assert len(pieces) > 1
    assert "".join(pieces) == line
    assert not any(piece.startswith("\u200d") for piece in pieces)


def test_the_steps_button_opens_the_log_of_the_failed_step() -> None:
    reported = failure(step="load[3]")
    content = shown(Incident(first=reported, latest=reported, occurrences=1))
    urls = {e["text"]["text"]: e["url"] for e in content["blocks"][-1]["elements"]}
    assert urls["Run"] == f"{UI}/runs/run-0"
    assert "logs=step%3Aload%5B3%5D" in urls["Logs of the step"]


@pytest.mark.parametrize("trace", ["", "a trace"])
def test_a_death_without_an_error_has_no_trace_to_show(trace: str) -> None:
    assert (trace_entry(failure(trace=trace)) is not None) == bool(trace)


def test_slack_shows_times_in_the_zone_of_the_reader() -> None:
    first = failure()
    found = Incident(first=first, latest=failure(120), occurrences=2, recovered_at=1_000_300.0)
    facts = shown(found)["blocks"][1]["text"]["text"]
    zoned = "<!date^{}^{{date_short_pretty}} {{time}}|1970-01-12 13:{} UTC>".format
    begun, last, ended = zoned(1_000_000, 46), zoned(1_000_120, 48), zoned(1_000_300, 51)
    assert f"*Failed:* {begun}, failed 2 times since {begun}, last {last}\n" in facts
    assert f"*Recovered:* {ended}, after 5 min" in facts
    # a line that a phone shows is for all readers
    assert "<!date" not in shown(found)["text"]


def test_a_long_run_that_ends_is_finished() -> None:
    run = failure(event_type="JOB_LONG_RUNNING", problems=())
    found = Incident(first=run, latest=run, occurrences=1, recovered_at=1_000_300.0)
    content = shown(found)
    assert content["blocks"][0]["text"]["text"] == "nightly · Dagster Qa Long Run (finished)"
    assert ":white_check_mark: *Finished:*" in content["blocks"][1]["text"]["text"]
    assert "ecovered" not in str(content)
    assert entry_content(recovery_entry(found), mentions={})["text"] == "Finished after 5 min"
