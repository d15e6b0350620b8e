"""Contracts on disk, and in a commit."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from orchestration_platform.metadata.contracts.odcs import Contract
from shared_lib.configuration.environment import REPOSITORY_ROOT

DIRECTORY = REPOSITORY_ROOT / "contracts"
_SUFFIX = ".odcs.yaml"


class ContractsError(RuntimeError):
    """Contracts cannot be read or written; the text says why and what to do."""


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, as people write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the signature of the base
        return super().increase_indent(flow, indentless=False)


def path_of(directory: Path, contract: Contract) -> Path:
    """Return the file of a contract."""
    return directory / f"{contract['id']}{_SUFFIX}"


def read_contracts(directory: Path) -> dict[str, Contract]:
    """Return the contracts in a directory, by id.

    Raises:
        ContractsError: a file is not a contract.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in directory.glob(f"*{_SUFFIX}")}
    return _parsed({str(path): text for path, text in texts.items()})


def read_base(directory: Path, base: str) -> dict[str, Contract]:
    """Return the contracts that a commit has in a directory, by id; none if it has none.

    Raises:
        ContractsError: there is no such commit, or a file is not a contract.
    """
    listed = _git(directory, "ls-tree", "--name-only", f"{base}^{{commit}}", "--", "./")
    names = [name for name in listed.splitlines() if name.endswith(_SUFFIX)]
    return _parsed(
        {f"{base}:{name}": _git(directory, "show", f"{base}:./{name}") for name in names}
    )


def write_contract(directory: Path, contract: Contract) -> None:
    """Write a contract, whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    path = path_of(directory, contract)
    new = path.with_suffix(".new")
    text = yaml.dump(contract, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _parsed(texts: Mapping[str, str]) -> dict[str, Contract]:
    found: dict[str, Contract] = {}
    for where, text in sorted(texts.items()):
        try:
            content: Any = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ContractsError(f"{where} is not YAML: {error}") from error
        if not isinstance(content, dict) or content.get("kind") != "DataContract":
            raise ContractsError(f"{where} is not a contract: kind is not DataContract")
        found[content["id"]] = content
    return found


def _git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed arguments; the name of a commit is one of them
        ["git", *arguments],  # noqa: S607 - whichever git a developer uses
        cwd=directory, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ContractsError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
