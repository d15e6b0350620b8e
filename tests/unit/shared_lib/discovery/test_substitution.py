"""Placeholders are replaced as documented, with the types that YAML reads."""

from pathlib import Path
from typing import Any

import pytest

from shared_lib.configuration.validated_yaml import load_yaml
from shared_lib.discovery.substitution import substitute

VARIABLES = {
    "GOCARDLESS_API__SECRET_KEY": "a-secret",
    "SET": "seen",
    "EMPTY": "",
    "NOTHING": "null",
    "NUMBER": "5",
    "TRUTH": "true",
    "PLACE": "a: b",
}


def read(tmp_path: Path, value: str) -> tuple[Any, list[str]]:
    file = tmp_path / "file.yaml"
    file.write_text(f"outer:\n  - key: {value}\n")
    document = load_yaml(file)
    problems = substitute(document, VARIABLES)
    assert all(problem.location == ("outer", 0, "key") for problem in problems)
    return document["outer"][0]["key"], [problem.text for problem in problems]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${SET}", "seen"),
        ("${SET:default}", "seen"),
        ("${UNSET:default}", "default"),
        ("${UNSET:two words}", "two words"),
        ("${UNSET:*/5 * * * *}", "*/5 * * * *"),
        ("${UNSET:http://host:80/path}", "http://host:80/path"),
        ("${UNSET:${SET}}", "seen"),
        ("${UNSET:${ALSO_UNSET:deep}}", "deep"),
        ("${UNSET:a ${SET} b}", "a seen b"),
        ("${SET:${UNSET_TOO}}", "seen"),
        ("${UNSET:}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:default}", ""),
        ("${EMPTY:?must be there}", ""),
        ("before ${SET} after ${NUMBER}", "before seen after 5"),
        ("$${SET}", "${SET}"),
        ("$${SET} ${SET}", "${SET} seen"),
        ("$SET", "$SET"),
        ("${NUMBER}", 5),
        ("${TRUTH}", True),
        ("${ENABLED:true}", True),
        ("${RATE:0.5}", 0.5),
        ('"${NUMBER}"', "5"),
        ('"${ENABLED:true}"', "true"),
        ("${PLACE}", "a: b"),
        ("${DAY:2026-01-01}", "2026-01-01"),
    ],
)
def test_a_placeholder_becomes(tmp_path: Path, value: str, expected: object) -> None:
    found, problems = read(tmp_path, value)

    assert problems == []
    assert found == expected
    assert isinstance(found, type(expected))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${UNSET}", "UNSET is not set and has no default here"),
        ("${UNSET:?name the channel}", "UNSET is not set: name the channel"),
        ("${UNSET:${ALSO_UNSET}}", "ALSO_UNSET is not set and has no default here"),
        ("${SET", "${SET must be followed by : or }"),
        ("${UNSET:open", "has a ${ without a closing }"),
        ("${1ST}", "has a ${ without a name"),
        ("${SET-x}", "${SET must be followed by : or }"),
        ("${GOCARDLESS_API__SECRET_KEY}", "${GOCARDLESS_API__SECRET_KEY} is not allowed"),
        ("${GOCARDLESS_API__SECRET_KEY:default}", "list the secret below `secrets`"),
        ("${SET:${OTHER_PATH__ANY_KEY}}", "${OTHER_PATH__ANY_KEY} is not allowed"),
        ("${UNSET:${VAULT_TOKEN:?x}}", "${VAULT_TOKEN} is not allowed"),
        ("${AWS_SESSION_TOKEN}", "${AWS_SESSION_TOKEN} is not allowed"),
        ("${VAULT_AUTH_SECRET_ID_FILE}", "is not allowed"),
    ],
)
def test_a_value_that_cannot_be_redacted_is_reported_with_its_place(
    tmp_path: Path, value: str, expected: str
) -> None:
    found, problems = read(tmp_path, f"'{value}'")

    assert found == value
    assert len(problems) == 1
    assert expected in problems[0]


@pytest.mark.parametrize("value", ["${UNSET:null}", "${UNSET:~}", "${NOTHING}", "${UNSET:NULL}"])
def test_an_unquoted_null_is_refused_and_a_quoted_one_is_a_text(tmp_path: Path, value: str) -> None:
    _, [problem] = read(tmp_path, value)
    text, problems = read(tmp_path, f'"{value}"')

    assert f"{value!r} becomes" in problem
    assert "leave the key out" in problem
    assert text in {"null", "NULL", "~"}
    assert problems == []
