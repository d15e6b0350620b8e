"""What changed from one contract to the next, and whether it breaks a promise."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from orchestration_platform.metadata.contracts.odcs import (
    RETIRED,
    Contract,
    checks_of,
    columns_of,
    freshness_of,
    seconds_of,
)


class Weight(IntEnum):
    """The part of a version that a change raises."""

    NOTHING = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


@dataclass(frozen=True)
class Breaking:
    """A promise that is not kept any more.

    Attributes:
        column: the column that it is about; empty for the whole model.
        text: what changed.
    """

    column: str
    text: str


def breaking_changes(old: Contract, new: Contract | None) -> list[Breaking]:
    """Return the promises of ``old`` that ``new`` does not keep; None if the model is gone."""
    if old["status"] == RETIRED:
        return []
    if new is None or new["status"] == RETIRED:
        return [Breaking("", "is not published any more")]
    return [*_columns(old, new), *_checks(old, new), *_freshness(old, new)]


def weight(old: Contract, new: Contract) -> Weight:
    """Return what the change from ``old`` to ``new`` raises, whatever their versions are."""
    if breaking_changes(old, new):
        return Weight.MAJOR
    if {**old, "version": ""} == {**new, "version": ""}:
        return Weight.NOTHING
    adds = (
        columns_of(new).keys() > columns_of(old).keys()
        or checks_of(new).keys() > checks_of(old).keys()
        or freshness_of(new) != freshness_of(old)
        or _required(new) != _required(old)
        or old["status"] != new["status"]
    )
    return Weight.MINOR if adds else Weight.PATCH


def raised(version: str, by: Weight) -> str:
    """Return the version after a change of this weight."""
    major, minor, patch = (int(part) for part in version.split("."))
    return {
        Weight.NOTHING: version,
        Weight.PATCH: f"{major}.{minor}.{patch + 1}",
        Weight.MINOR: f"{major}.{minor + 1}.0",
        Weight.MAJOR: f"{major + 1}.0.0",
    }[by]


def is_announced(old: Contract, new: Contract | None) -> bool:
    """Return whether the next major version says that ``new`` breaks promises of ``old``."""
    return new is not None and _major(new) > _major(old)


def _major(contract: Contract) -> int:
    return int(contract["version"].split(".")[0])


def _required(contract: Contract) -> set[str]:
    return {name for name, column in columns_of(contract).items() if column["required"]}


def _columns(old: Contract, new: Contract) -> Iterator[Breaking]:
    now = columns_of(new)
    for name, column in columns_of(old).items():
        if name not in now:
            yield Breaking(name, "was removed")
            continue
        before, after = column["physicalType"], now[name]["physicalType"]
        if _same(before) != _same(after):
            yield Breaking(name, f"changed its type from {before} to {after}")
        if column["required"] and not now[name]["required"]:
            yield Breaking(name, "may now be null")


def _same(native: str) -> str:
    return native.replace(" ", "").lower()


def _checks(old: Contract, new: Contract) -> Iterator[Breaking]:
    kept, columns = checks_of(new), columns_of(new)
    for name, column in checks_of(old).items():
        # a column that was removed is reported as such
        if name not in kept and (not column or column in columns):
            yield Breaking(column, f"is not checked by {name} any more")


def _freshness(old: Contract, new: Contract) -> Iterator[Breaking]:
    before, after = freshness_of(old), freshness_of(new)
    if before is None or before == after:
        return
    if after is None:
        yield Breaking("", "has no limit of its age any more")
    elif "schedule" in before or "schedule" in after:
        yield Breaking("", f"has another deadline: {after['value']} instead of {before['value']}")
    elif seconds_of(after) > seconds_of(before):
        yield Breaking(
            "",
            f"may be {after['value']} {after['unit']} old instead of "
            f"{before['value']} {before['unit']}",
        )
