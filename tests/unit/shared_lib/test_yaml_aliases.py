"""A small file whose aliases stand for a huge one is refused at once, wherever files are read."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gocardless.accounts.settings import SettingsFile
from gocardless.statement_files.formats.csv.mapping import saved_mappings
from gocardless.statement_files.statement import StatementFileError
from sandboxes.bank.contract import Contract, ContractError
from shared_lib.configuration.validated_yaml import ConfigurationError, load_yaml, validate_document
from shared_lib.observability.settings import ObservabilityConfigurationError, _transport_from_file

ERRORS = (ConfigurationError, ContractError, ObservabilityConfigurationError, StatementFileError)
DEPTH = 30


def doubling(start: str, step: str) -> str:
    """Each line has the one before it twice."""
    lines = [f"a0: &a0 {start}"]
    lines += [f"a{i}: &a{i} {step.format(before=f'*a{i - 1}')}" for i in range(1, DEPTH)]
    return "\n".join(lines) + "\n"


BOMBS = {
    "lists": doubling("[x, x]", "[{before}, {before}]"),
    "mappings": doubling("{x: 1, y: 2}", "{{l: {before}, r: {before}}}"),
    "blocks": doubling("[x]", "\n  - {before}\n  - {before}"),
    "wide": "a: &a [" + "x, " * 1000 + "]\nb: &b [" + "*a, " * 1000 + "]\n",
    "keys": doubling("[x, x]", "{{? {before} : {before}}}"),
    "merges": doubling("{x: {}}", "{{<<: {before}, k: {before}, l: {before}}}"),
    "hidden": "ignored: "
    + doubling("[x]", "[{before}, {before}]").replace("\n", "\n  ").replace("a0:", "\n  a0:", 1),
    "itself": "a: &a [*a, *a]\n",
}


def through_load_yaml(path: Path) -> Any:
    return validate_document(load_yaml(path), SettingsFile, path=path)


def through_mappings(path: Path) -> Any:
    return saved_mappings(path.parent)


def through_openlineage(path: Path) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENLINEAGE_CONFIG", str(path))
        return _transport_from_file()


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize(
    "read", [through_load_yaml, through_mappings, through_openlineage, Contract]
)
def test_a_file_that_expands_is_refused_with_its_line(
    read: Callable[[Path], Any], bomb: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(bomb)
    started = time.process_time()
    with pytest.raises(ERRORS, match=r"file\.yaml:\d+: the alias \*\w+"):
        read(path)
    assert time.process_time() - started < 1


def test_anchors_that_save_typing_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("a: &a {x: [1, 2, 3]}\n" + "".join(f"b{i}: *a\n" for i in range(500)))
    assert load_yaml(path)["b499"] == {"x": [1, 2, 3]}
    path.write_text('cron: "*/5 * * * *"\ntext: "a & b *c"\n')
    assert load_yaml(path)["text"] == "a & b *c"


DEEP = {
    "lists": "[" * 60 + "]" * 60,
    "mappings": "{a: " * 60 + "1" + "}" * 60,
    "open": "[" * 5000,
    "blocks": "\n".join(" " * i + "a:" for i in range(60)),
    "lists in mappings": "\n".join("  " * i + "- a:" for i in range(60)),
    "in a line": "- " * 60 + "x",
    "keys": "? " * 60 + "x",
    "far": "\n".join(" " * i + "a:" for i in range(5000)),
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize(
    "read", [through_load_yaml, through_mappings, through_openlineage, Contract]
)
def test_a_file_that_is_nested_deeply_is_refused_with_its_line(
    read: Callable[[Path], Any], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(text)
    started = time.process_time()
    with pytest.raises(ERRORS, match=r"file\.yaml:\d+: more than 50 lists and mappings contain"):
        read(path)
    assert time.process_time() - started < 1


def test_forty_levels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    for text in ("[" * 40 + "]" * 40, "\n".join(" " * i + "a:" for i in range(40))):
        path.write_text(text)
        assert load_yaml(path)
