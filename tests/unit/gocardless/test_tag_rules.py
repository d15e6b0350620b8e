"""Tag rules and budgets are read from YAML, with errors that name file, line and field."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from gocardless.bank_account_data.reachability import base_url
from gocardless.budgets.settings import PACKAGED_BUDGETS, budgets_path, load_budgets
from gocardless.tagging.rules import (
    PACKAGED_RULES,
    TagRuleError,
    load_rules,
    read_table_rules,
    rules_path,
)
from gocardless.tagging.tables import create_tag_tables
from shared_lib.configuration.validated_yaml import ConfigurationError


def written(directory: Path, text: str) -> Path:
    path = directory / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_packaged_files_are_valid() -> None:
    tags = {rule.tag for rule in load_rules(PACKAGED_RULES)}
    assert {budget.tag for budget in load_budgets(PACKAGED_BUDGETS)} <= tags


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            "{name: b, tag: x, description: '(unclosed'}",
            r"file\.yaml:3: rules\.1\.description: '\(unclosed' is not a regular expression of RE2",
        ),
        # Python has look-ahead, the engine that will use the expression has not
        ("{name: b, tag: x, description: '(?=a)'}", r":3: rules\.1\.description: .*RE2"),
        ("{name: b, tag: x}", r"file\.yaml:3: rules\.1: it matches everything: set one of"),
        ("{name: a, tag: x, account: y}", r"file\.yaml:3: rules\.1\.name: 'a' occurs twice"),
        ("{name: b, tag: X y, account: y}", r":3: rules\.1\.tag: 'X y' is not allowed"),
        ("{name: b, tag: untagged, account: y}", r":3: rules\.1\.tag: 'untagged' is reserved"),
        (
            "{name: b, tag: x, merchant_category: 5411}",
            r":3: rules\.1\.merchant_category: .*write it in quotes: '5411'",
        ),
        ("{name: b, tag: x, colour: y}", r":3: rules\.1\.colour: unknown key"),
        (
            "{name: b, tag: x, amount_from: 2, amount_to: 1}",
            r":3: rules\.1: amount_from 2 is above",
        ),
    ],
)
def test_a_wrong_rule_names_file_line_and_field(rule: str, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"rules:\n  - {{name: a, tag: good, account: giro}}\n  - {rule}\n")
    with pytest.raises(ConfigurationError, match=message):
        load_rules(path)


def test_another_file_of_rules_is_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "rules: []\n")
    monkeypatch.setenv("GOCARDLESS_TAG_RULES", str(path))
    assert load_rules(rules_path()) == []


@pytest.mark.parametrize(
    ("variable", "value", "read", "problem"),
    [
        ("GOCARDLESS_TAG_RULES", "/absent.yaml", rules_path, "/absent.yaml: no such file"),
        ("GOCARDLESS_BUDGETS", "/absent.yaml", budgets_path, "/absent.yaml: no such file"),
        (
            "GOCARDLESS_API_URL",
            "abc",
            base_url,
            "'abc' is not an address: write one such as https:",
        ),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    variable: str,
    value: str,
    read: Callable[[], object],
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=f"^{variable}: {problem}"):
        read()


def test_a_wrong_rule_of_the_table_is_named() -> None:
    with duckdb.connect() as connection:
        create_tag_tables(connection)
        connection.execute(
            "insert into unified.tag_rules (position, name, tag, description_pattern, created_by) "
            "values (2, 'later', 'x', 'ok', 'erika'), (1, 'first', 'y', '[', 'erika')"
        )
        with pytest.raises(TagRuleError, match=r"rule 'first': description: '\[' is not a regular"):
            read_table_rules(connection)
        connection.execute("update unified.tag_rules set is_enabled = false where name = 'first'")
        assert [rule.name for rule in read_table_rules(connection)] == ["later"]


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ("{tag: a, currency: EUR, monthly: 0}", r":3: budgets\.1\.monthly: 0 is not allowed"),
        ("{tag: a, currency: EURO, monthly: 1}", r":3: budgets\.1\.currency: 'EURO' is not a curr"),
        ("{tag: x, currency: EUR, monthly: 1}", r":3: budgets\.1\.tag: 'x' has two budgets in EUR"),
        ("{tag: a, currency: EUR, monthly: 1, thresholds: [0]}", r":3: budgets\.1\.thresholds"),
    ],
)
def test_a_wrong_budget_names_file_line_and_field(
    budget: str, message: str, tmp_path: Path
) -> None:
    path = written(tmp_path, f"budgets:\n  - {{tag: x, currency: EUR, monthly: 5}}\n  - {budget}\n")
    with pytest.raises(ConfigurationError, match=message):
        load_budgets(path)
