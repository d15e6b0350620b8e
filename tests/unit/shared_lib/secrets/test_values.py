"""A secret is shown only by an explicit call."""

import copy
import json
import pickle
import pprint
from dataclasses import asdict, dataclass

import dagster as dg
import pytest

from shared_lib.secrets import Secret, SecretKeyNotFoundError, SecretValue

PLAIN = "correct-horse-battery"


@pytest.fixture
def value() -> SecretValue:
    return Secret("gocardless/api", {"secret_id": PLAIN})["secret_id"]


@dataclass
class Holder:
    value: SecretValue


def test_no_way_of_showing_an_object_shows_the_value(value: SecretValue) -> None:
    shown = [
        str(value),
        repr(value),
        f"{value} {value!r} {value:>80} %s" % value,
        json.dumps({"value": value}, default=str),
        pprint.pformat(Holder(value)),
        repr(asdict(Holder(value))),
        repr([copy.copy(value), copy.deepcopy(value)]),
        repr({name: getattr(value, name) for name in SecretValue.__slots__}),
    ]
    assert not [text for text in shown if PLAIN in text]
    assert str(value) == "[secret gocardless/api secret_id]"
    assert value.reveal() == PLAIN
    assert copy.deepcopy(value).reveal() == PLAIN


def test_whatever_would_write_it_down_is_refused_with_what_to_do(value: SecretValue) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="ask the secrets resource for it where it is used"):
            pickle.dumps({"held": value}, protocol=protocol)
    with pytest.raises(TypeError, match="must not be serialised"):
        value.__getstate__()
    with pytest.raises(TypeError):
        json.dumps(value)


def test_an_asset_that_returns_one_fails_instead_of_storing_it(
    value: SecretValue, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @dg.asset
    def careless() -> SecretValue:
        return value

    storage = tmp_path_factory.mktemp("storage")
    manager = dg.FilesystemIOManager(base_dir=str(storage))
    result = dg.materialize([careless], resources={"io_manager": manager}, raise_on_error=False)
    assert not result.success
    assert not [file for file in storage.rglob("*") if file.is_file() and file.stat().st_size]


def test_values_compare_without_being_revealed(value: SecretValue) -> None:
    assert value == SecretValue(PLAIN, path="another", key="name")
    assert value != SecretValue("wrong-horse", path="gocardless/api", key="secret_id")
    assert value != PLAIN


def test_a_missing_key_is_an_error_that_lists_the_existing_ones() -> None:
    secret = Secret("gocardless/api", {"secret_id": PLAIN, "secret_key": "another-horse"})
    with pytest.raises(SecretKeyNotFoundError) as refused:
        secret["secret"]
    assert str(refused.value) == (
        "the secret gocardless/api has no key 'secret', its keys are: secret_id, secret_key. "
        "Request one of them, or add the missing one"
    )
    assert PLAIN not in repr(secret)
