"""What each format makes of the same message."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.orchestration_platform.alerts.failures import WORDS, failure

from orchestration_platform.alerts.facts.alert import Problem, Severity
from orchestration_platform.alerts.messages.formats.html import entry_html, head_html
from orchestration_platform.alerts.messages.formats.slack import entry_content, head_content
from orchestration_platform.alerts.messages.formats.slack_page import mrkdwn, page
from orchestration_platform.alerts.messages.formats.teams import LARGEST_CARD, entry_card, head_card
from orchestration_platform.alerts.messages.formats.text import entry_text, head_text
from orchestration_platform.alerts.messages.head import head_message
from orchestration_platform.alerts.messages.message import Incident, Message
from orchestration_platform.alerts.messages.thread import repeat_entry, trace_entry
from sandboxes.slack.limits import problem_of, texts_of
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.secrets import know

UI = "https://dagster.example.com"
OWNERS = ("ada@example.com", "team:finance", "team:unknown")
MENTIONS = {"ada@example.com": "U0123", "team:finance": "S0456"}


def message(occurrences: int = 1, description: str = "", **changes: Any) -> Message:
    reported = failure(**changes)
    incident = Incident(
        first=reported,
        latest=reported,
        occurrences=occurrences,
        partitions=(reported.partition,) if reported.partition else (),
        partition_count=1,
        description=description,
    )
    return head_message(incident, environment="production", ui_url=UI)


def facts_of(found: Message) -> dict[str, str]:
    return {fact.label: "".join(span.text for span in fact.value) for fact in found.facts}


def test_a_failed_run_shows_all_that_people_need() -> None:
    found = message(
        attempt=2,
        attempts=3,
        backfill="b1",
        partition="2026-01",
        owners=OWNERS,
        last_success_at=1_000_000.0 - 7200,
        facts=(("Image", "platform:12"),),
        duration_seconds=75.0,
    )
    assert found.title == "nightly: ValueError: it is bad · Dagster Production Run Failure"
    assert facts_of(found) == {
        "Job": "nightly",
        "Run": "run-0",
        "Severity": "error",
        "Code location": "shop",
        "Partitions": "2026-01",
        "Backfill": "b1",
        "Launched by": "schedule nightly",
        "Attempt": "2 of 3",
        "Ran for": "1 min 15 s",
        "Failed": "1970-01-12 13:46 UTC",
        "Last success": "1970-01-12 11:46 UTC, 2 h before",
        "Owners": "ada@example.com, team:finance, team:unknown",
        "Image": "platform:12",
    }


def test_the_place_of_an_error_is_that_in_the_repository() -> None:
    ours = Problem("load", "E", "bad", f"{REPOSITORY_ROOT}/shop/jobs.py:3 in load", "")
    other = Problem("save", "E", "worse", "/opt/lib/jobs.py:3 in save", "")
    places = [problem.place for problem in message(problems=(ours, other)).problems]
    assert places == ["shop/jobs.py:3 in load", "/opt/lib/jobs.py:3 in save"]


def test_owners_are_called_in_slack_where_they_are_known_there() -> None:
    found = message(owners=OWNERS)
    shown = "\n".join(texts_of(head_content(found, mentions=MENTIONS)))
    assert "*Owners:* <@U0123>, <!subteam^S0456>, team:unknown" in shown
    assert "<@" not in "\n".join(texts_of(head_content(found, mentions={})))


def test_more_facts_than_slack_takes_are_counted_and_no_mention_is_cut() -> None:
    many = {f"team:{n:04}": f"S{n:04}" for n in range(2000)}
    facts = tuple((f"Fact {n}", "x" * 290) for n in range(12))
    content = head_content(message(owners=tuple(many), facts=facts), mentions=many)
    assert problem_of(content) is None
    shown = content["blocks"][1]["text"]["text"]
    assert re.search(r"\nand \d+ more$", shown)
    owners = next(line for line in shown.splitlines() if line.startswith("*Owners:*"))
    assert re.fullmatch(r"\*Owners:\* (<!subteam\^S\d{4}>, )*<!subteam\^S\d{4}>,?  ?…", owners)


def test_an_owner_cannot_call_everybody() -> None:
    found = message(owners=("<!channel>",))
    assert not re.search("<!(?!date)", "\n".join(texts_of(head_content(found, mentions=MENTIONS))))


@pytest.mark.parametrize(
    ("event_type", "title"),
    [
        ("JOB_FAILURE", "Dagster Production Run Failure"),
        ("JOB_LONG_RUNNING", "Dagster Production Long Run"),
        ("ASSET_MATERIALIZATION_FAILURE", "Dagster Production Asset Materialization Failure"),
        ("ASSET_CHECK_SEVERITY_WARN", "Dagster Production Asset Check Warning"),
        ("TICK_FAILURE", "Dagster Production Tick Failure"),
        ("SOMETHING_NEW", "Dagster Production Something New"),
    ],
)
def test_the_header_fits_what_has_happened(event_type: str, title: str) -> None:
    assert message(event_type=event_type).title == f"nightly: ValueError: it is bad · {title}"


def test_good_news_without_a_run_speaks_of_no_failure() -> None:
    found = message(
        event_type="ASSET_FRESHNESS_PASS",
        severity=Severity.INFO,
        kind="Asset",
        subject="shop/orders",
        assets=("shop/orders",),
        run_id="",
        launched_by="",
        duration_seconds=None,
        problems=(),
    )
    text = head_text(found)
    assert "ailed" not in text
    assert "Run" not in facts_of(found)
    assert [link.url for link in found.links] == [f"{UI}/assets/shop/orders"]


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({"kind": "Sensor", "subject": "a b"}, "/locations/__repository__@shop/sensors/a%20b"),
        ({"kind": "Code location", "subject": "shop"}, "/deployment"),
        (
            {"assets": ("orders",), "event_type": "ASSET_CHECK_SEVERITY_ERROR"},
            "/assets/orders?view=checks",
        ),
    ],
)
def test_a_failure_without_a_run_has_a_link_too(changes: dict[str, Any], url: str) -> None:
    assert [link.url for link in message(run_id="", **changes).links] == [UI + url]


class Checked(HTMLParser):
    """Tags that are closed in the right order, and their content."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in ("br", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "div", "span", "h1", "h2", "b", "p", "br",
    "a", "pre", "code", "table", "tr", "td",
}  # fmt: skip
PIECES = [
    "```", "`", "<b>", "</div>", "&", '"', "'", "*", "<@U1>", "<https://e.com|x>", "\x1b[1m",
    "\ud800", "\n", "👩\u200d👧", ":white_check_mark:",
]  # fmt: skip
hostile = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=30)


@settings(max_examples=60, deadline=None)
@given(hostile.map("".join))
def test_no_error_breaks_out_of_html_or_out_of_a_card(text: str) -> None:
    found = message(
        subject=text, message=text, step=text, owners=(text,), description=text,
        location=text, facts=((text, text),), trace=text,
    )  # fmt: skip
    reported = failure(message=text, trace=text, step=text)
    trace = trace_entry(reported) or repeat_entry(reported, 2, ui_url=UI)
    entries = [entry_content(trace, mentions={})]
    content = head_content(found, mentions={})
    for document in (
        head_html(found),
        entry_html(trace, about=text),
        page(content, channel=text, at=0.0, thread=entries),
    ):
        document.encode()
        parser = Checked()
        parser.feed(document)
        parser.close()
        assert parser.open == []
        assert parser.seen <= ALLOWED
        assert all(link.startswith(UI) for link in parser.links)
    for card in (head_card(found), entry_card(trace, about=text)):
        assert len(json.dumps(card)) <= LARGEST_CARD
    head_text(found).encode()


def test_a_card_leaves_out_problems_rather_than_being_refused() -> None:
    problems = tuple(Problem(f"step {'abcdef'[n]}", "Error", "語" * 3000, "", "") for n in range(6))
    reported = failure(problems=problems)
    incident = Incident(first=reported, latest=reported, occurrences=1)
    found = head_message(incident, environment="production", ui_url=UI)
    card = json.dumps(head_card(found), ensure_ascii=False)
    assert re.search(r"and [345] more steps", card)


def test_the_page_shows_slacks_marks_as_slack_does() -> None:
    shown = mrkdwn("*Job:* `a&amp;b` <https://x.org/1|run> <@U1>\n```\n*no* <b>\n```")
    assert shown == (
        '<b>Job:</b> <code>a&amp;b</code> <a href="https://x.org/1">run</a> '
        '<span class="mention">@U1</span><br><pre>*no* &lt;b&gt;</pre>'
    )


FORMATS: dict[str, Callable[[Message], str]] = {
    "slack": lambda found: json.dumps(head_content(found, mentions={})),
    "html": head_html,
    "text": lambda found: head_text(found, with_traces=True),
    "teams": lambda found: json.dumps(head_card(found)),
    "page": lambda found: page(head_content(found, mentions={}), channel="#c", at=0.0),
}


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_secret_anywhere_in_an_alert_is_in_no_format(name: str) -> None:
    canary = "canary-58203-of-the-formats"
    know(canary, name="shop/api password")
    found = message(
        subject=canary, location=canary, launched_by=canary, partition=canary, backfill=canary,
        owners=(canary,), facts=((canary, canary),), message=canary, step=canary, trace=canary,
        error_class=canary, assets=(canary,), run_id=canary, description=canary, kind=canary,
    )  # fmt: skip
    written = FORMATS[name](found)
    assert canary not in written
    assert "secret shop/api password" in written


def test_a_secret_is_in_no_entry() -> None:
    canary = "canary-99120-of-the-entries"
    know(canary, name="shop/api password")
    reported = failure(message=canary, step=canary, trace=canary, partition=canary, run_id=canary)
    for entry in (trace_entry(reported), repeat_entry(reported, 2, ui_url=UI)):
        assert entry is not None
        assert canary not in entry.to_json()
        assert canary not in entry_text(entry)


def test_where_people_open_dagster_is_no_secret_whatever_a_secret_names() -> None:
    know("dagster.example.com", name="orchestration_platform/smtp host")
    reported = failure(message=f"no answer from {UI}", run_id="r1")
    found = head_message(
        Incident(first=reported, latest=reported, occurrences=1), environment="qa", ui_url=UI
    )
    assert found.links[0].url == f"{UI}/runs/r1"
    assert f"<{UI}/runs/r1|r1>" in json.dumps(head_content(found, mentions={}))
    assert "dagster.example.com" not in found.problems[0].error
    assert problem_of(head_content(found, mentions={})) is None


def test_a_link_that_contains_a_secret_is_left_out() -> None:
    know("run-of-the-canary", name="shop/api user")
    reported = failure(run_id="run-of-the-canary", assets=("sales",))
    found = head_message(
        Incident(first=reported, latest=reported, occurrences=1), environment="qa", ui_url=UI
    )
    assert [link.label for link in found.links] == ["Asset"]
    assert "run-of-the-canary" not in head_text(found, with_traces=True)
    assert problem_of(head_content(found, mentions={})) is None


@pytest.mark.parametrize("written", [lambda found: head_text(found, with_traces=True), head_html])
def test_stack_traces_have_limited_room_and_a_pointer_to_the_rest(
    written: Callable[[Message], str],
) -> None:
    steps = tuple(
        Problem(f"step_{word}", f"{word.title()}Error", "bad", "a.py:1 in a", f"{word} " * 4000)
        for word in WORDS[:9]
        for word in (word, word[::-1])
    )
    found = head_message(
        Incident(first=failure(problems=steps), latest=failure(problems=steps), occurrences=1),
        environment="qa",
        ui_url=UI,
    )
    text = written(found)
    shown = [step for step in steps if step.trace.strip() in text]
    assert shown == list(steps[: len(shown)])
    assert 150_000 < sum(len(step.trace) for step in shown) <= 200_000
    assert text.count("the stack trace is in the log of the run") == len(steps) - len(shown) > 0
    assert all(step.step in text for step in steps)
