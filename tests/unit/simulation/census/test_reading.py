"""Every row of a file arrives in `raw.census`, as text and under its number."""

import csv
import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.census import CensusError, CensusFile, CensusMapping, read_census

MAPPING = CensusMapping(
    columns={
        "employee_id": "id",
        "hire_date": "hired",
        "annual_compensation": "pay",
        "department": "unit",
    }
)
HEADER = "id,hired,pay,unit\n"


def settings_of(**changes: str) -> CensusMapping:
    return CensusMapping.model_validate({**MAPPING.model_dump(), **changes})


def read(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    mapping: CensusMapping = MAPPING,
    scenario_id: str = "baseline",
) -> CensusFile:
    return read_census(connection, path=path, scenario_id=scenario_id, mappings={"hr": mapping})


def rows_of(connection: duckdb.DuckDBPyConnection, scenario_id: str = "baseline") -> list[tuple]:
    return connection.execute(
        """
        select row_number, employee_id, hire_date, annual_compensation, department, malformed
        from raw.census
        where scenario_id = ?
        order by row_number
        """,
        [scenario_id],
    ).fetchall()


def values_of(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    rows = rows_of(connection)
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert [row for row in rows if row[5] is not None] == []
    return [row[1:5] for row in rows]


def test_a_csv_file_is_read_as_it_is(connection: duckdb.DuckDBPyConnection, census: Path):
    census.write_text(HEADER + '007, 2010-01-01 ,"$56,000.00",Tax\n8,,n/a,""\n')
    file = read(connection, census)
    assert file == CensusFile(
        path=census,
        mapping="hr",
        rows=2,
        digest=hashlib.sha256(census.read_bytes()).hexdigest(),
        absent_columns=(
            "birth_date",
            "level",
            "termination_date",
            "status",
            "fte",
            "pay_basis",
            "position",
            "job_family",
        ),
    )
    assert values_of(connection) == [
        ("007", " 2010-01-01 ", "$56,000.00", "Tax"),
        ("8", None, "n/a", None),
    ]


NAMES = st.text(alphabet="abcä漢", min_size=1, max_size=6)
PIECES = st.one_of(
    st.tuples(st.just("plain"), NAMES),
    st.tuples(st.just("quoted"), NAMES.map(lambda name: f"{name}, {name}")),
    st.tuples(st.just("quoted"), NAMES.map(lambda name: f'{name} "{name}"')),
    st.tuples(st.just("quoted"), NAMES.map(lambda name: f"{name}\n{name}")),
    st.tuples(st.just("quoted"), st.just("")),
    st.tuples(st.just("trailing delimiters"), NAMES),
    st.tuples(st.just("too short"), NAMES),
    st.tuples(st.just("too long"), NAMES),
    st.tuples(st.just("quote left open"), NAMES),
    st.tuples(st.just("text after a quote"), NAMES),
    st.tuples(st.just("blank"), st.just("")),
    st.tuples(st.just("spaces"), st.just("")),
)


def line_of(kind: str, number: int, unit: str) -> str:
    return {
        "plain": f"E{number},2010-01-01,56000,{unit}",
        "quoted": f'E{number},2010-01-01,56000,"{unit.replace(chr(34), chr(34) * 2)}"',
        "trailing delimiters": f"E{number},2010-01-01,56000,{unit},,",
        "too short": f"E{number},{unit}",
        "too long": f"E{number},2010-01-01,56000,{unit},more",
        "quote left open": f'E{number},"2010-01-01,56000,{unit}',
        "text after a quote": f'E{number},"2010-01-01"x,56000,{unit}',
        "blank": "",
        "spaces": "   ",
    }[kind]


@settings(max_examples=100, deadline=None)
@given(
    pieces=st.lists(PIECES, max_size=40),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    ends_with_line_end=st.booleans(),
)
def test_every_line_arrives_exactly_once_or_with_the_reason_why_not(
    pieces: list[tuple[str, str]], line_end: str, *, ends_with_line_end: bool
):
    pieces = [("plain", "first"), *pieces]
    text = HEADER + "\n".join(
        line_of(kind, number, unit) for number, (kind, unit) in enumerate(pieces)
    )
    expected = [
        (f"E{number}", unit or None) if kind in {"plain", "quoted", "trailing delimiters"} else None
        for number, (kind, unit) in enumerate(pieces)
        if kind not in {"blank", "spaces"}
    ]
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "census.csv"
        text = (text + "\n" * ends_with_line_end).replace("\n", line_end)
        path.write_text(text, encoding="utf-8", newline="")
        assert read(connection, path).rows == len(expected)
        rows = rows_of(connection)
    assert [row[0] for row in rows] == list(range(1, len(expected) + 1))
    assert [(row[1], row[4]) if row[5] is None else None for row in rows] == expected


def test_the_reason_and_the_line_stay_with_a_line_that_cannot_be_read(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    census.write_text(
        HEADER
        + "E1,2010-01-01,56000,Tax\n"
        + "E2,2010-01-01\n"
        + "E3,2010-01-01,56000,Tax,more,and more\n"
        + 'E4,"2010-01-01,56000,Tax\n'
        + 'E5,"2010-01-01"x,56000,Tax\n'
        + "E6,2010-01-01,56000,Tax\n"
    )
    read(connection, census)
    rows = rows_of(connection)
    assert [row[0] for row in rows if row[5] is None] == [1, 6]
    assert [row[5] for row in rows[1:5]] == [
        "missing columns: E2,2010-01-01",
        "too many columns: E3,2010-01-01,56000,Tax,more,and more",
        'a quote is opened and not closed: E4,"2010-01-01,56000,Tax',
        "',' expected after '\"': E5,\"2010-01-01\"x,56000,Tax",
    ]
    assert [row[1] for row in rows[1:5]] == [None] * 4


def test_a_quote_left_open_costs_its_own_line_and_not_those_after_it(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    lines = [f"E{number},2010-01-01,56000,Tax\n" for number in range(20_000)]
    lines[100] = 'E100,"2010-01-01,56000,Tax\n'
    census.write_text(HEADER + "".join(lines))
    assert read(connection, census).rows == 20_000
    assert [row[0] for row in rows_of(connection) if row[5] is not None] == [101]


def test_two_stray_quotes_do_not_make_one_record_of_two(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    census.write_text(HEADER + 'E1,"2010-01-01,1,Tax\nE2,2010-01-01,2,15"\n')
    read(connection, census)
    first, second = rows_of(connection)
    assert first[5].startswith("a quote is opened and not closed: E1,")
    assert second[1:] == ("E2", "2010-01-01", "2", '15"', None)


def test_a_line_longer_than_the_parser_takes_is_kept_as_malformed(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    long = "x" * 2_100_000
    census.write_text(HEADER + f"E1,2010-01-01,1,{long}\nE2,2010-01-01,2,Tax\n")
    assert read(connection, census).rows == 2
    first, second = rows_of(connection)
    assert first[5].startswith("line size over maximum: E1,2010-01-01")
    assert second[1:] == ("E2", "2010-01-01", "2", "Tax", None)


def test_line_ends_of_two_kinds_and_an_inch_mark_are_no_obstacle(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    census.write_bytes(b'id,hired,pay,unit\r\nE1,a,1,15" pipe\nE2,b,2,Tax\rE3,c,3,"two\nlines"\r\n')
    read(connection, census)
    assert values_of(connection) == [
        ("E1", "a", "1", '15" pipe'),
        ("E2", "b", "2", "Tax"),
        ("E3", "c", "3", "two\nlines"),
    ]


def test_columns_may_be_in_any_order_among_others_even_nameless_ones(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    census.write_text(",unit, pay ,x,x,hired,id\n0,Tax,1,q,r,2010-01-01,E1\n")
    read(connection, census)
    assert values_of(connection) == [("E1", "2010-01-01", "1", "Tax")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(
    connection: duckdb.DuckDBPyConnection, census: Path, delimiter: str
):
    with census.open("w", newline="") as lines:
        csv.writer(lines, delimiter=delimiter).writerows(
            [["id", "hired", "pay", "unit"], ["E1", "2010-01-01", "56,0;0|0\t", "Tax"]]
        )
    read(connection, census)
    assert values_of(connection) == [("E1", "2010-01-01", "56,0;0|0\t", "Tax")]


def test_a_stated_delimiter_is_taken(connection: duckdb.DuckDBPyConnection, census: Path):
    census.write_text("id^hired^pay^unit,a,b,c,d,e\nE1^2010-01-01^56000^Tax\n")
    read_census(
        connection,
        path=census,
        scenario_id="baseline",
        mappings={"hr": settings_of(delimiter="^")},
        mapping_name="hr",
    )
    assert [row[1:4] for row in rows_of(connection)] == [("E1", "2010-01-01", "56000")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_stated_encoding_is_taken_and_the_mapping_found_without_its_name(
    connection: duckdb.DuckDBPyConnection, census: Path, encoding: str
):
    columns = {**MAPPING.columns, "department": "Abteilung für"}
    census.write_text("id,hired,pay,Abteilung für\nE1,d,1,Büro Zürich €\n", encoding=encoding)
    stated = encoding.removesuffix("-sig")
    mapping = CensusMapping.model_validate({"columns": columns, "encoding": stated})
    read(connection, census, mapping)
    assert values_of(connection) == [("E1", "d", "1", "Büro Zürich €")]


def test_text_in_another_encoding_is_refused_with_its_line(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    census.write_bytes(HEADER.encode() + b"E1,d,1,Tax\n" * 40_000 + b"E2,d,1,B\xfcro\n")
    with pytest.raises(CensusError) as refused:
        read(connection, census, settings_of(encoding="utf-8"))
    assert f"{census}: line 40002 is not utf-8 text" in str(refused.value)
    assert "cp1252" in str(refused.value)
    with pytest.raises(CensusError, match="the file is not utf-16 text"):
        read(connection, census, settings_of(encoding="utf-16"))


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("census.pdf", b"x", ".xls or .ods, not '.pdf'"),
        ("census", b"x", ".xls or .ods, not ''"),
        ("census.xlsx", b"x", "not a workbook that can be read"),
        ("census.csv", None, "no such census file"),
        ("census.parquet", None, "no such census file"),
        ("census.csv", b"", "the file is empty"),
        ("census.csv", b"\n \n", "the file is empty"),
        ("census.csv", HEADER.encode(), "a header and no rows"),
        ("census.csv", HEADER.encode() + b"\n  \n", "a header and no rows"),
        ("census.csv", b'id,"hired,pay\nE1,d,1\n', "the header cannot be read"),
        ("census.parquet", b"PAR1 this is none PAR1", "not a Parquet file that can be read"),
    ],
)
def test_a_file_that_cannot_be_a_census_is_refused_and_what_was_read_before_stays(
    connection: duckdb.DuckDBPyConnection,
    census: Path,
    tmp_path: Path,
    name: str,
    content: bytes | None,
    complaint: str,
):
    census.write_text(HEADER + "E1,2010-01-01,1,Tax\n")
    read(connection, census)
    before = rows_of(connection)
    path = tmp_path / "other" / name
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CensusError) as refused:
        read(connection, path)
    assert str(refused.value).startswith(f"{path}: ")
    assert complaint in str(refused.value)
    assert rows_of(connection) == before


def test_a_second_reading_replaces_the_rows_of_its_own_scenario_only(
    connection: duckdb.DuckDBPyConnection, census: Path
):
    census.write_text(HEADER + "E1,2010-01-01,1,Tax\n")
    read(connection, census, scenario_id="a")
    read(connection, census, scenario_id="b")
    census.write_text(HEADER + "E2,2011-01-01,2,Law\nE3,2011-01-01,2,Law\n")
    for _ in range(2):
        read(connection, census, scenario_id="b")
    assert rows_of(connection, "a") == [(1, "E1", "2010-01-01", "1", "Tax", None)]
    assert [row[1] for row in rows_of(connection, "b")] == ["E2", "E3"]
    files = connection.execute("select scenario_id, rows_read from raw.census_file order by 1")
    assert files.fetchall() == [("a", 1), ("b", 2)]


def test_typed_parquet_columns_become_the_text_that_csv_has_for_them(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
):
    path = tmp_path / "census [2].parquet"  # to DuckDB, a pattern that fits "census 2.parquet"
    (tmp_path / "census 2.parquet").write_text("another file")
    connection.execute(
        """
        create table typed as
        from (values
            (12.0::double, timestamp '2010-01-31 00:00:00', 56000.1::float, encode('Büro')),
            (1e15 + 1, timestamp '2010-01-31 08:30:00', 'nan', ''::blob),
            (null, null, 80000, null)
        ) as rows(id, hired, pay, unit)
        """
    )
    connection.execute("copy typed to ? (format parquet)", [str(path)])
    assert read(connection, path).rows == 3
    assert values_of(connection) == [
        ("12", "2010-01-31", "56000.1", "Büro"),
        ("1000000000000001.0", "2010-01-31 08:30:00", None, None),
        (None, None, "80000", None),
    ]


def test_parquet_types_of_other_makers(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    path = tmp_path / "census.parquet"
    rows = [
        (7, datetime(2010, 1, 31, tzinfo=UTC), Decimal("99999999999999.99"), "ü"),
        (2**62, datetime(1965, 12, 1, tzinfo=UTC), Decimal("0.10"), "漢"),
    ]
    connection.execute(
        "create table typed (id bigint, hired timestamptz, pay decimal(18, 2), "
        "unit enum ('ü', '漢'))"
    )
    connection.executemany("insert into typed values (?, ?, ?, ?)", rows)
    connection.execute("copy typed to ? (format parquet)", [str(path)])
    connection.execute("set timezone = 'America/New_York'")
    read(connection, path)
    assert values_of(connection) == [
        ("7", "2010-01-31", "99999999999999.99", "ü"),
        (str(2**62), "1965-12-01", "0.10", "漢"),
    ]
    connection.execute(
        "create table dated as select id, hired::date as hired, pay, unit from typed"
    )
    connection.execute("copy dated to ? (format parquet)", [str(path)])
    read(connection, path, settings_of(date_format="%d/%m/%Y"))
    assert [row[1] for row in values_of(connection)] == [
        date(2010, 1, 30).isoformat(),
        date(1965, 11, 30).isoformat(),
    ]
    formats = connection.execute("select hire_date_format from raw.census_file").fetchall()
    assert formats == [(None,)]  # typed, whatever is stated
