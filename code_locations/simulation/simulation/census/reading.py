"""Reads every row of a census file into `raw.census`, as text, whatever its quality."""

import codecs
import glob
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from shared_lib.warehouse import transaction
from simulation.census.csv_records import CsvCopy, copy_csv, read_header
from simulation.census.mapping import (
    CENSUS_FIELDS,
    CensusError,
    CensusMapping,
    choose_mapping,
)
from simulation.census.tables import create_tables, quoted

_ISO_DATE = "%Y-%m-%d"
_READ_COPY = """
    from read_csv(
        ?, columns = ?, delim = ?, header = false, auto_detect = false, quote = '"', escape = '"',
        store_rejects = true, rejects_table = 'census_unparsed', rejects_scan = 'census_scans'
    )
"""


@dataclass(frozen=True)
class CensusFile:
    """A census file as it was read.

    `mapping` is the name of the mapping used. `rows` counts every row, including those that
    could not be parsed. `digest` is the SHA-256 of the file's bytes. `absent_columns`
    are the optional census columns that it does not have.
    """

    path: Path
    mapping: str
    rows: int
    digest: str
    absent_columns: tuple[str, ...]


@dataclass(frozen=True)
class _Columns:
    """The census columns that the file has: their names in it and how its dates are written."""

    mapping: str
    names: dict[str, str]
    date_formats: dict[str, str]


def read_census(
    connection: duckdb.DuckDBPyConnection,
    *,
    path: Path,
    scenario_id: str,
    mappings: Mapping[str, CensusMapping],
    mapping_name: str | None = None,
) -> CensusFile:
    """Replace the scenario's rows of `raw.census` with those of a CSV or Parquet file.

    Every row is stored as text under its number in the file, from 1; blank lines of a CSV file
    are not counted. A line that is not CSV is stored with the parser's reason in `malformed`.

    Raises:
        CensusError: the file is absent, empty, of an unknown kind or not in the mapping's
            encoding, or no mapping fits its columns.
    """
    read = {".csv": _read_csv, ".parquet": _read_parquet}.get(path.suffix.lower())
    if read is None:
        raise CensusError(f"{path}: a census file is named .csv or .parquet, not {path.suffix!r}")
    if not path.is_file():
        raise CensusError(f"{path}: there is no such census file")
    if not path.stat().st_size:
        raise CensusError(f"{path}: the file is empty")
    create_tables(connection)
    columns = read(connection, path, mappings, mapping_name)
    rows = _count_rows(connection)
    if not rows:
        raise CensusError(f"{path}: the census has a header and no rows")
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    absent = tuple(field for field in CENSUS_FIELDS if field not in columns.names)
    census = CensusFile(path, columns.mapping, rows, digest, absent)
    _replace_rows(connection, scenario_id, census, columns.date_formats)
    return census


def _replace_rows(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    census: CensusFile,
    date_formats: Mapping[str, str],
) -> None:
    with transaction(connection):
        connection.execute("delete from raw.census where scenario_id = ?", [scenario_id])
        connection.execute(
            """
            insert into raw.census by name
            select ? as scenario_id, * from temp.census_rows order by row_number
            """,
            [scenario_id],
        )
        connection.execute("delete from raw.census_file where scenario_id = ?", [scenario_id])
        connection.execute(
            "insert into raw.census_file (scenario_id, path, mapping, rows_read, sha256, "
            "absent_columns, hire_date_format, birth_date_format, termination_date_format) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                scenario_id,
                str(census.path),
                census.mapping,
                census.rows,
                census.digest,
                list(census.absent_columns),
                date_formats.get("hire_date", _ISO_DATE),
                date_formats.get("birth_date", _ISO_DATE),
                date_formats.get("termination_date", _ISO_DATE),
            ],
        )
        connection.execute("drop table temp.census_rows")


def _read_csv(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    mappings: Mapping[str, CensusMapping],
    mapping_name: str | None,
) -> _Columns:
    if mapping_name is None or mapping_name not in mappings:
        header = read_header(path, encoding=_likely_encoding(path), delimiter=None)
        mapping_name = choose_mapping(mappings, header, mapping_name, path=path)
    mapping = mappings[mapping_name]
    header = read_header(path, encoding=mapping.encoding, delimiter=mapping.delimiter)
    choose_mapping(mappings, header, mapping_name, path=path)
    names = mapping.fields_in(header)
    positions = {field: header.index(name) for field, name in names.items()}
    with TemporaryDirectory(prefix="census-") as folder:
        copy = Path(folder) / "census.csv"
        copied = copy_csv(path, copy, encoding=mapping.encoding, delimiter=mapping.delimiter)
        _load_copy(connection, copy, copied, positions)
    if (read := _count_rows(connection)) != copied.rows:
        raise CensusError(
            f"{path}: {copied.rows} rows went into DuckDB's CSV reader, {read} came out"
        )
    return _Columns(mapping_name, names, dict.fromkeys(names, mapping.date_format))


def _load_copy(
    connection: duckdb.DuckDBPyConnection,
    copy: Path,
    copied: CsvCopy,
    positions: Mapping[str, int],
) -> None:
    columns = {f"column{position}": "varchar" for position in range(len(copied.header))}
    values = {field: f"column{position}" for field, position in positions.items()}
    connection.execute(
        _create_rows("row_number", values) + _READ_COPY,
        [str(copy), {"row_number": "bigint", **columns}, copied.delimiter],
    )
    # The copy starts each row with its number, so that even a line that DuckDB rejects has one.
    connection.execute(
        r"""
        insert into temp.census_rows by name
        select
            regexp_extract(csv_line, '^\s*(\d+)', 1)::bigint as row_number,
            lower(min(error_type)) || ': '
            || left(regexp_replace(csv_line, '^\s*\d+.', ''), 500) as malformed
        from temp.census_unparsed
        group by csv_line
        """
    )
    connection.execute("drop table temp.census_unparsed; drop table temp.census_scans")
    connection.execute(
        """
        insert into temp.census_rows by name
        select unnest(?::bigint[]) as row_number, unnest(?::varchar[]) as malformed
        """,
        [[number for number, _ in copied.unreadable], [why for _, why in copied.unreadable]],
    )


def _read_parquet(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    mappings: Mapping[str, CensusMapping],
    mapping_name: str | None,
) -> _Columns:
    pattern = glob.escape(str(path))  # DuckDB treats every path as a pattern
    try:
        types: dict[str, str] = dict(
            connection.execute(
                "select column_name, column_type "
                "from (describe select * from read_parquet(?, binary_as_string = true))",
                [pattern],
            ).fetchall()
        )
        mapping_name = choose_mapping(mappings, list(types), mapping_name, path=path)
        mapping = mappings[mapping_name]
        names = mapping.fields_in(list(types))
        values = {field: _as_text(quoted(name), types[name]) for field, name in names.items()}
        connection.execute(
            _create_rows("file_row_number + 1", values)
            + " from read_parquet(?, binary_as_string = true, file_row_number = true)",
            [pattern],
        )
    except duckdb.Error as error:
        raise CensusError(f"{path}: not a Parquet file that can be read: {error}") from error
    formats = {
        field: _ISO_DATE if types[name].startswith(("DATE", "TIMESTAMP")) else mapping.date_format
        for field, name in names.items()
    }
    return _Columns(mapping_name, names, formats)


def _create_rows(row_number: str, values: Mapping[str, str]) -> str:
    selected = [f"{values.get(field, 'null')}::varchar as {field}" for field in CENSUS_FIELDS]
    return (
        f"create or replace temp table census_rows as select {row_number} as row_number, "
        f"{', '.join(selected)}, null::varchar as malformed"
    )


def _as_text(column: str, column_type: str) -> str:
    """Return the SQL that converts a Parquet column to the text that CSV would have for it.

    Whole numbers lose the `.0` of a floating-point column, NaN and empty text become null, and
    a timestamp at midnight (UTC) becomes its date.
    """
    if column_type in {"FLOAT", "DOUBLE"}:
        return (
            f"case when isnan({column}) then null"
            f" when {column} = trunc({column}) and abs({column}) < 1e15"
            f" then {column}::bigint::varchar else {column}::varchar end"
        )
    if column_type.startswith("TIMESTAMP"):
        instant = f"timezone('UTC', {column})" if column_type.endswith("ZONE") else column
        return (
            f"case when {instant} = date_trunc('day', {instant})"
            f" then {instant}::date::varchar else {instant}::varchar end"
        )
    return f"nullif({column}::varchar, '')"


def _likely_encoding(path: Path) -> str:
    """Return an encoding in which the header at least can be read, to find the mapping."""
    with path.open("rb") as content:
        head = content.read(65_536)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _count_rows(connection: duckdb.DuckDBPyConnection) -> int:
    ((rows,),) = connection.execute("select count(*) from temp.census_rows").fetchall()
    return rows
