"""Compare contracts with the models, and with those of another commit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration_platform.metadata.contracts.changes import (
    Breaking,
    Weight,
    breaking_changes,
    is_announced,
    raised,
    weight,
)
from orchestration_platform.metadata.contracts.consumers import Consumer, consumers
from orchestration_platform.metadata.contracts.files import write_contract
from orchestration_platform.metadata.contracts.odcs import RETIRED, Contract, contract_of
from orchestration_platform.metadata.description import Table


@dataclass(frozen=True)
class Break:
    """A promise that a change breaks, and whom it concerns.

    Attributes:
        contract: the id of the contract.
        change: what changed.
        consumers: who reads it.
        is_announced: whether the contract has the next major version.
    """

    contract: str
    change: Breaking
    consumers: Sequence[Consumer]
    is_announced: bool

    def __str__(self) -> str:
        column = f": column {self.change.column}" if self.change.column else ""
        readers = [f"    read by {consumer}" for consumer in self.consumers]
        return "\n".join(
            [f"{self.contract}{column} {self.change.text}", *(readers or ["    read by no model"])]
        )


def next_contracts(
    tables: Iterable[Table], kept: Mapping[str, Contract]
) -> dict[str, tuple[Contract, Weight]]:
    """Return the contracts of all published tables as they are now, and what has changed.

    A contract whose model is gone is retired: its consumers find out why.
    """
    found: dict[str, tuple[Contract, Weight]] = {}
    for table in tables:
        if not table.is_published:
            continue
        new, old = contract_of(table), kept.get(str(table.name))
        if old is None:
            found[new["id"]] = new, Weight.MINOR
            continue
        change = weight(old, new)
        found[new["id"]] = new | {"version": raised(old["version"], change)}, change
    for name, old in kept.items():
        if name not in found:
            change = Weight.NOTHING if old["status"] == RETIRED else Weight.MAJOR
            gone = old | {"status": RETIRED, "version": raised(old["version"], change)}
            found[name] = gone, change
    return found


def breaks(
    tables: Sequence[Table], old: Mapping[str, Contract], new: Mapping[str, Contract]
) -> list[Break]:
    """Return the broken promises of ``old``, with the consumers among ``tables``."""
    names = {str(table.name): table.name for table in tables}
    # a model that is gone is still what others name as their upstream
    names |= {str(up): up for table in tables for up in table.upstream}
    found = []
    for key, contract in sorted(old.items()):
        now = new.get(key)
        for change in breaking_changes(contract, now):
            readers = consumers(tables, names[key], change.column) if key in names else []
            found.append(Break(key, change, readers, is_announced(contract, now)))
    return found


def without_contract(tables: Iterable[Table]) -> Iterator[str]:
    """Yield what is wrong with published models that promise no columns."""
    for table in tables:
        if table.is_published and not table.has_contract:
            yield (
                f"{table.name} has `access: public` and no enforced contract: set `contract: "
                "{enforced: true}` and the data_type of each column, or another access"
            )


def write(directory: Path, contracts: Mapping[str, tuple[Contract, Weight]]) -> list[str]:
    """Write the contracts that have changed, and return their ids and versions."""
    written = []
    for name, (contract, change) in sorted(contracts.items()):
        if change is not Weight.NOTHING:
            write_contract(directory, contract)
            written.append(f"{name} {contract['version']}")
    return written
