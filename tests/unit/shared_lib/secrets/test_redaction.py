"""Values handed out, in any notation, and anything that looks like a secret are redacted."""

import base64
import json
import time
from urllib.parse import quote, quote_plus

import pytest

from shared_lib.secrets import Secret, know, redact

VALUE = 'p"ä/s+ w\\rd&1'


def basic(user: str) -> str:
    return base64.b64encode(f"{user}:{VALUE}:tail".encode()).decode()


@pytest.mark.parametrize(
    "written",
    [
        VALUE,
        quote(VALUE),
        quote(VALUE, safe=""),
        quote_plus(VALUE),
        quote(VALUE, safe="").lower(),
        json.dumps(VALUE)[1:-1],
        json.dumps(VALUE, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps({"nested": VALUE}))[1:-1],
        repr([VALUE]),
        repr(VALUE.encode()),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
        basic("a"),
        basic("ab"),
        basic("abc"),
    ],
)
def test_a_value_is_found_however_it_is_written(written: str) -> None:
    assert redact(f"<{written}>") == f"<{written}>", "a false sense of security: it looked secret"
    know(VALUE, name="db password")
    clean = redact(f"<{written}>")
    assert "[secret db password]" in clean
    assert written[4:-4] not in clean
    assert redact(clean) == clean


def test_of_two_secrets_the_longer_one_is_taken_out_whole() -> None:
    know("abcdef", name="short")
    know("abcdef-ghijkl", name="long")
    assert redact("abcdef-ghijkl abcdef") == "[secret long] [secret short]"


def test_each_line_of_a_key_is_a_secret_and_its_frame_is_not() -> None:
    line = "MIIEowIBAAKCAQEAx7Qw"
    know(f"-----BEGIN RSA KEY-----\n{line}\n-----END RSA KEY-----\n", name="key")
    assert redact(f"| {line} |") == "| [secret key] |"
    assert redact("-----BEGIN RSA KEY-----") == "-----BEGIN RSA KEY-----"


def test_short_values_are_replaced_only_where_the_text_names_them() -> None:
    Secret("simulation/database", {"password": "4711", "user": "dba"})
    assert redact("4711 rows by dba") == "4711 rows by dba"
    assert redact("password=4711 rows") == "password=[redacted] rows"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("token xoxb-" + "123456789012-abcDEF in", "token [redacted] in"),
        (
            "https://hooks.slack.com/services/T0/B0/x1y2",
            "https://hooks.slack.com/services/[redacted]",
        ),
        ("X-Vault-Token: hvs.CAESIJx-_9", "X-Vault-Token: [redacted]"),
        ("got hvb.AAAAAQKrx-9 and", "got [redacted] and"),
        ("got s.cAWZoBoN7ldOUhaYl42kFkXW.", "got [redacted]."),
        ("key AKIA" + "IOSFODNN7EXAMPLE used", "key [redacted] used"),
        ("jwt eyJhbGciOiJ9.eyJzdWIiOiIx.c2ln-_ end", "jwt [redacted] end"),
        ("Authorization: Bearer abc.def-123=", "Authorization: Bearer [redacted]"),
        ("postgresql://dba:hunter2@db:5432/x", "postgresql://dba:[redacted]@db:5432/x"),
        ("host=db password=hunter2 port=5432", "host=db password=[redacted] port=5432"),
        ('{"secret_id": "a b", "user": "x"}', '{"secret_id": "[redacted]", "user": "x"}'),
        (r'"{\"password\": \"hunter2\", \"n\": 1}"', r'"{\"password\": \"[redacted]\", \"n\": 1}"'),
        ("send: b'POST /?client_secret=abc&x=1'", "send: b'POST /?client_secret=[redacted]&x=1'"),
        ("at x-eyJhbGciOiJ9.eyJzdWIiOiIx.c2ln end", "at x-[redacted] end"),
        ("_eyJhbGciOiJ9.eyJzdWIiOiIx.c2ln.eyJhbGciOiJ9", "_[redacted].eyJhbGciOiJ9"),
        ("x IQoJb3JpZ2luX2VjEXAMPLE/abcd+efgh== y", "x [redacted] y"),
        ("'FwoGZXIvYXdzEXAMPLEtokenabcd1234'", "'[redacted]'"),
        (
            "X-Amz-Security-Token=AbCd%2F12&X-Amz-Date=2",
            "X-Amz-Security-Token=[redacted]&X-Amz-Date=2",
        ),
        ('{"SessionToken": "AbCd/12"}', '{"SessionToken": "[redacted]"}'),
        ("aws-session-token: AbCd/12", "aws-session-token: [redacted]"),
        ("x -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- y", "x [redacted] y"),
    ],
)
def test_a_text_that_looks_like_a_secret_is_redacted_wherever_it_comes_from(
    text: str, expected: str
) -> None:
    assert redact(text) == expected
    assert redact(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "GET /v1/secret/data/gocardless/api HTTP/1.1 200",
        "the password is in the file",
        "http://127.0.0.1:3000/runs/0a1b?tab=logs",
        'File "/srv/app.py", line 3, in get\n    self.session.get(url, token=token_file)',
        "LoginRefusedError: Vault at https://vault:8200 rejects the login",
        "analytics.marts.fct_workforce_by_department_and_year(2025)",
        "",
    ],
)
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_many_secrets_cost_a_log_line_little() -> None:
    for number in range(100):
        know(f"secret-value-{number:03}-" + "x" * 20, name=f"secret {number}")
    line = "2026-01-01 INFO simulation step finished with 1000 rows " * 4
    redact(line)
    started = time.process_time()
    for _ in range(100):
        redact(line)
    assert (time.process_time() - started) / 100 < 0.005


def seconds_for(text: str) -> float:
    started = time.process_time()
    redact(text)
    return time.process_time() - started


@pytest.mark.parametrize(
    "unit",
    [
        *("x", "word ", "=", "\n", " ", "-", ".", "a.", "://", "a://", "://a:b", "://a:b@", "a:@"),
        *("eyJ", "-eyJaaaaaa", "-eyJaaaaaa.", "eyJaaaaaa.eyJaaaaaa", "_eyJaaaaaa-", ".eyJaaaaaa"),
        *("-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "-----BEGIN A PRIVATE KEY-----x-----END"),
        *(
            "PRIVATE KEY",
            "A ",
            "xoxb-",
            "xoxb-aaaaaaaa-",
            "hvs.",
            "s.",
            "s.aaaaaaaaaaaaaaaaaaaaaaaaa(",
        ),
        *(
            "AKIA",
            "IQoJb3JpZ2lu",
            "IQoJb3JpZ2lu-",
            "Bearer ",
            "Basic Bearer ",
            "hooks.slack.com/services/",
        ),
        *("password", "password ", "password=", 'password="', "password:\\", "secret_", "client"),
        *("session-token\t", "\\", '"', "[redacted", "password=[secret ", "some-secret-valu"),
    ],
)
@pytest.mark.parametrize("start", ["", 'password="'])
def test_the_time_grows_with_the_length_and_not_with_its_square(unit: str, start: str) -> None:
    know("some-secret-value", name="some secret")
    short, long = (start + unit * (letters // len(unit)) for letters in (4_000, 32_000))
    redact(short)
    least_of_short = min(seconds_for(short) for _ in range(3))
    # eight times the length; its square would take 64 times as long
    assert min(seconds_for(long) for _ in range(3)) < 24 * least_of_short + 0.001
