"""What a team adds to the messages of its policy, and mistakes in it."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.facts.alert import Problem
from orchestration_platform.alerts.messages.formats.html import head_html
from orchestration_platform.alerts.messages.formats.slack import MOST_BLOCKS, head_content
from orchestration_platform.alerts.messages.formats.slack_buttons import button_blocks
from orchestration_platform.alerts.messages.formats.teams import LARGEST_CARD, head_card
from orchestration_platform.alerts.messages.formats.text import head_text
from orchestration_platform.alerts.messages.head import head_message
from orchestration_platform.alerts.messages.message import Fact, Incident, Message
from orchestration_platform.alerts.messages.wording import Link, words
from orchestration_platform.alerts.policies.message_blocks import with_own_blocks
from orchestration_platform.alerts.policies.policy import Policy, load_policies
from sandboxes.slack.limits import problem_of, texts_of
from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.secrets import know

VALID = """alert_policies:
  - name: ml failures
    enabled: true
    event_types: [JOB_FAILURE]
    notification_service: {log: {}}
    policy_options:
      message_blocks:
        - note: "Ring the desk before 9:00: {job} of {location} {{urgent}}"
        - fact: {label: Queue, text: "{environment}/{severity}"}
        - button:
            label: Open ticket
            url: "https://jira.example.com/create?summary={error}&run={run_id}"
"""


def load(folder: Path, text: str = VALID) -> Policy:
    path = folder / "alert_policies.yaml"
    path.write_text(text, encoding="utf-8")
    [policy] = load_policies(path)
    return policy


def message(policy: Policy, *problems: Problem) -> Message:
    reported = failure(problems=problems) if problems else failure()
    incident = Incident(first=reported, latest=reported, occurrences=1, description="why")
    made = head_message(incident, environment="qa", ui_url="https://dagster.example.com")
    own = policy.policy_options.message_blocks
    return with_own_blocks(made, incident, {"a": own, "b": own}, environment="qa")


def slack(shown: Message) -> str:
    return "\n".join([*texts_of(head_content(shown, mentions={})), json.dumps(shown.links[-1].url)])


@pytest.mark.parametrize(
    "laid_out", [slack, head_html, head_text, lambda shown: json.dumps(head_card(shown))]
)
def test_every_format_shows_each_block_once(
    laid_out: Callable[[Message], str], tmp_path: Path
) -> None:
    text = laid_out(message(load(tmp_path))).replace("\\", "").replace("&amp;", "&")
    for expected in (
        "Ring the desk before 9:00: nightly of shop",
        "urgent",
        "qa/error",
        "https://jira.example.com/create?summary=ValueError%3A%20it%20is%20bad&run=run-0",
    ):
        assert text.count(expected) == 1, expected


def test_slack_accepts_as_many_blocks_as_a_policy_may_have(tmp_path: Path) -> None:
    notes = "".join(f'        - note: "{number} {"x" * 480}"\n' for number in range(5))
    policy = load(tmp_path, VALID[: VALID.index("        - note")] + notes)
    problems = [Problem(f"step_{'x' * n}", f"E{'x' * n}", "bad", "", "") for n in range(60)]
    content = head_content(message(policy, *problems), mentions={})
    assert problem_of(content) is None
    assert len(content["blocks"]) <= MOST_BLOCKS


@pytest.mark.parametrize("length", [5, 480])
def test_slack_and_teams_accept_the_blocks_of_many_policies_and_count_what_has_no_room(
    length: int,
) -> None:
    problems = tuple(Problem(f"step_{n}", f"E{'x' * n}", "bad " * 90, "", "") for n in range(50))
    reported = failure(problems=problems)
    incident = Incident(first=reported, latest=reported, occurrences=1, description="why")
    address = "https://jira.example.com/"
    shown = replace(
        head_message(incident, environment="qa", ui_url="https://dagster.example.com"),
        notes=tuple(f"{number} {'x' * length}" for number in range(60)),
        links=tuple(Link(f"open {number}", f"{address}{number}") for number in range(60)),
        facts=tuple(Fact(f"queue {number}", (words("x" * 50),)) for number in range(60)),
    )
    content = head_content(shown, mentions={})
    content["blocks"] += button_blocks(shown, key="0" * 32)
    assert problem_of(content) is None
    texts = texts_of(content["blocks"])
    notes = [text for text in texts if re.fullmatch(r"\d+ x+", text)]
    assert f"and {60 - len(notes)} more notes" in texts
    assert "and 35 more links" in texts
    assert any(re.search(r"\nand \d+ more$", text) for text in texts), "facts"
    card = json.dumps(head_card(shown))
    assert len(card) < LARGEST_CARD
    assert "59 xxxxx" in card or "more notes" in card
    assert "and 35 more" in card


def test_a_value_brings_no_secret_and_no_markup(tmp_path: Path) -> None:
    know("s3cret-of-the-bank", name="key")
    shown = message(
        load(tmp_path), Problem("load", "E", "s3cret-of-the-bank <!channel> & x", "", "")
    )
    text = slack(shown)
    assert "s3cret" not in text
    assert "<!channel>" not in text
    assert "%3C%21channel%3E" in shown.links[-1].url


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("{job}", "{jobb}", "yaml:8: .*there is no {jobb}, did you mean job"),
        (
            "{environment}",
            "{env.name}",
            "yaml:9: .*there is no {env.name}, did you mean env.* .allowed: asset, env",
        ),
        ("{error}", "{error!r}", "yaml:12: .*{error} takes no format: write it without !"),
        ("{run_id}", "{run_id", "yaml:12: .*a brace of its own twice"),
        ("https://jira", "javascript://jira", "yaml:12: .*url"),
        ("- fact:", "- facts:", "yaml:9: .*facts: unknown key, .*button, fact, note"),
        ("label: Queue, ", "", "yaml:9: .*label: missing"),
        (
            "- fact: {",
            "- note: also\n          fact: {",
            "yaml:9: .*note and fact set, required is exactly one of: note, fact, button",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_line(
    right: str, wrong: str, expected: str, tmp_path: Path
) -> None:
    assert right in VALID
    with pytest.raises(ConfigurationError, match=expected):
        load(tmp_path, VALID.replace(right, wrong, 1))
