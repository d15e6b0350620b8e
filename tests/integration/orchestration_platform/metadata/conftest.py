"""Descriptions to publish, and the judges with the vendors' models."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestration_platform.metadata.description import (
    Check,
    Column,
    Description,
    Freshness,
    Kind,
    Result,
    Table,
    TableName,
)
from orchestration_platform.metadata.reading import describe, read_tables
from sandboxes.catalogs.judge import Judge, judging

AT = 1_796_026_904.5


@pytest.fixture(scope="session")
def datahub_judge() -> Iterator[Judge]:
    """Judges by DataHub's models."""
    with judging("datahub") as judge:
        yield judge


@pytest.fixture(scope="session")
def openmetadata_judge() -> Iterator[Judge]:
    """Judges by OpenMetadata's models."""
    with judging("openmetadata") as judge:
        yield judge


@pytest.fixture(scope="session")
def project() -> Description:
    """This repository's own tables, with something of everything that Dagster adds."""
    return with_results(list(read_tables()))


def with_results(tables: list[Table]) -> Description:
    """Returns the tables with results, limits, tags and owners of every kind."""
    found = [
        replace(
            table,
            updated_at=AT,
            rows=7,
            tags=("tier=gold", "v1.2"),
            owners=(*table.owners, "team:hr", "nobody@example.com"),
            checks=tuple(
                replace(check, result=Result(number % 2 == 0, AT, "run", "1 row"))
                for number, check in enumerate(table.checks)
            ),
            freshness=Freshness(cron="0 5 * * *", timezone="Europe/Berlin", is_fresh=False)
            if number % 2
            else Freshness(fail_seconds=3600, is_fresh=True),
        )
        for number, table in enumerate(tables)
    ]
    return describe(found, {}, environment="production", ui_url="https://dagster.example.com")


@pytest.fixture
def small() -> Description:
    """Two tables with columns of every type, a check of a column, and a name with a dot."""
    types = (
        "boolean", "date", "time", "timestamp", "timestamp with time zone", "decimal(16, 2)",
        "double", "integer", "bigint", "hugeint", "varchar", "varchar[]", "struct(a integer)",
        "map(varchar, integer)", "uuid", "json", "blob", "interval", "enum('a')", "",
    )  # fmt: skip
    raw = TableName("bank", "raw", "answers.json")
    columns = tuple(
        Column(f"c{number}", native, tags=("pii",), is_nullable=number > 0)
        for number, native in enumerate(types)
    )
    entries = Table(
        name=TableName("bank", "marts", "entries"),
        kind=Kind.VIEW,
        columns=(Column("c", "date", origins=((raw, "c1"),)),),
        upstream=(raw,),
        checks=(Check("known", "It is known.", column="c"),),
    )
    return with_results([Table(name=raw, columns=columns), entries])


@pytest.fixture(scope="session")
def odd() -> Description:
    """Tables with names of every kind, long texts, and what other places do not have."""
    raw = TableName("bank", "raw", "sum(a, b)")
    names = (
        "sum(amount)", "a,b", "x::y", "p > q", 'say "hi"', "naïve ☕", "with.dot", "two\nlines",
        "a|b", "100%", "<b>", "n" * 300,
    )  # fmt: skip
    columns = tuple(
        Column(name, "integer", description="long " * 120_000, tags=("of (a), b",))
        for name in names
    )
    gone = TableName("bank", "raw", "not_described")
    found = [Table(name=raw, columns=columns)]
    for number in range(20):
        entries = Table(
            name=TableName("bank", "a schema.", f"{'e' * 300}{number}"),
            description="long " * 120_000,
            columns=tuple(Column(name, origins=((raw, name), (gone, "c"))) for name in names),
            upstream=(gone, raw),
            owners=("team:Data / BI?",),
            checks=(
                *(Check(f"known {position}", column=name) for position, name in enumerate(names)),
                Check("of a column that nobody has described", column="elsewhere"),
                Check("c" * 300),
            ),
        )
        found.append(entries)
    found[1] = replace(found[1], columns=(Column("c", origins=((raw, "no_such_column"),)),))
    return with_results(found)
