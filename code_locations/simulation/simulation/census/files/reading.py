"""Reads every row of a census file into `raw.census`, as text, whatever its quality."""

import glob
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from shared_lib.warehouse import transaction
from simulation.census.columns.mapping import (
    CENSUS_FIELDS,
    DATE_FIELDS,
    CensusError,
    CensusField,
    CensusMapping,
)
from simulation.census.files.csv_records import CsvCopy, copy_csv
from simulation.census.files.sources import CensusSource, opened_source
from simulation.census.tables import create_tables, quoted

# Without the order DuckDB keeps the rows of a large CSV file uncompressed until its checkpoint,
# which takes 1 s of CPU more for a million rows.
_BY_ROW = " order by row_number"
_READ_COPY = """
    from read_csv(
        ?, columns = ?, delim = ?, header = false, auto_detect = false, quote = '"', escape = '"',
        store_rejects = true, rejects_table = 'census_unparsed', rejects_scan = 'census_scans'
    )
"""


@dataclass(frozen=True)
class CensusFile:
    """A census file as it was read.

    `mapping` is the name of the mapping used, or ``proposed``. `rows` counts every row, including
    those that could not be parsed. `digest` is the SHA-256 of the file's bytes. `absent_columns`
    are the optional census columns that it does not have, and `assumptions` say in sentences what
    was found without being stated.
    """

    path: Path
    mapping: str
    rows: int
    digest: str
    absent_columns: tuple[str, ...]
    assumptions: tuple[str, ...] = ()


def read_census(
    connection: duckdb.DuckDBPyConnection,
    *,
    path: Path,
    scenario_id: str,
    mappings: Mapping[str, CensusMapping],
    mapping_name: str | None = None,
) -> CensusFile:
    """Replace the scenario's rows of `raw.census` with those of a CSV, Parquet or workbook file.

    Every row is stored as text under its number in the file, from 1 below the header; blank lines
    of a CSV file are not counted. A line that is not CSV is stored with the parser's reason in
    `malformed`.

    Raises:
        CensusError: the file is absent, empty, of an unknown kind or not in the mapping's
            encoding, or a required column was not found.
    """
    with opened_source(path, mappings=mappings, mapping_name=mapping_name) as source:
        create_tables(connection)
        with transaction(connection):
            connection.execute("delete from raw.census where scenario_id = ?", [scenario_id])
            rows = (
                _read_parquet(connection, scenario_id, source)
                if source.text is None
                else _read_csv(connection, scenario_id, source, source.text)
            )
            if not rows:
                raise CensusError(f"{path}: the census has a header and no rows")
            with path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            census = CensusFile(
                path, source.name, rows, digest, source.absent, tuple(source.assumptions)
            )
            _replace_file(connection, scenario_id, census, source)
    return census


def _replace_file(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    census: CensusFile,
    source: CensusSource,
) -> None:
    formats = {field: _date_format(source, field) for field in DATE_FIELDS}
    connection.execute("delete from raw.census_file where scenario_id = ?", [scenario_id])
    connection.execute(
        "insert into raw.census_file (scenario_id, path, mapping, rows_read, sha256, "
        "absent_columns, hire_date_format, birth_date_format, termination_date_format, "
        "settings, columns, assumptions) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, map(?::varchar[], ?::varchar[]), ?)",
        [
            scenario_id,
            str(census.path),
            census.mapping,
            census.rows,
            census.digest,
            list(census.absent_columns),
            formats["hire_date"],
            formats["birth_date"],
            formats["termination_date"],
            source.mapping.model_dump_json(),
            list(source.columns),
            list(source.columns.values()),
            list(census.assumptions),
        ],
    )


def _date_format(source: CensusSource, field: CensusField) -> str | None:
    """Return the stated format of a column's dates, None where it is to be found."""
    position = source.positions.get(field)
    if position is not None and source.types:
        kind = source.types[source.header[position]]
        if kind.startswith(("DATE", "TIMESTAMP")):
            return None  # typed, whatever is stated
    return source.mapping.date_format


def _read_csv(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, source: CensusSource, text: Path
) -> int:
    """Insert the rows of a CSV file, the malformed ones last, and return how many there are."""
    assert source.head is not None  # noqa: S101 - every text has a head
    with TemporaryDirectory(prefix="census-") as folder:
        copy = Path(folder) / "census.csv"
        copied = copy_csv(text, copy, encoding=source.encoding, head=source.head)
        read = _load_copy(connection, scenario_id, copy, copied, source, source.head.delimiter)
    if read != copied.rows:
        raise CensusError(
            f"{source.path}: {copied.rows} rows went into DuckDB's CSV reader, {read} came out"
        )
    return read


def _load_copy(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    copy: Path,
    copied: CsvCopy,
    source: CensusSource,
    delimiter: str,
) -> int:
    columns = {f"column{position}": "varchar" for position in range(len(source.header))}
    values: dict[CensusField, str] = {
        field: f"column{position}" for field, position in source.positions.items()
    }
    read = _inserted(
        connection,
        _insert_rows("row_number", values, list(columns)) + _READ_COPY + _BY_ROW,
        [scenario_id, str(copy), {"row_number": "bigint", **columns}, delimiter],
    )
    # The copy starts each row with its number, so that even a line that DuckDB rejects has one.
    read += _inserted(
        connection,
        r"""
        insert into raw.census by name
        select
            ? as scenario_id,
            regexp_extract(csv_line, '^\s*(\d+)', 1)::bigint as row_number,
            lower(min(error_type)) || ': '
            || left(regexp_replace(csv_line, '^\s*\d+.', ''), 500) as malformed
        from temp.census_unparsed
        group by csv_line
        """,
        [scenario_id],
    )
    connection.execute("drop table temp.census_unparsed; drop table temp.census_scans")
    return read + _inserted(
        connection,
        """
        insert into raw.census by name
        select
            ? as scenario_id,
            unnest(?::bigint[]) as row_number,
            unnest(?::varchar[]) as malformed
        """,
        [
            scenario_id,
            [number for number, _ in copied.unreadable],
            [why for _, why in copied.unreadable],
        ],
    )


def _read_parquet(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, source: CensusSource
) -> int:
    """Insert the rows of a Parquet file and return how many there are."""
    pattern = glob.escape(str(source.path))  # DuckDB treats every path as a pattern
    texts = {name: _as_text(quoted(name), kind) for name, kind in source.types.items()}
    values: dict[CensusField, str] = {field: texts[name] for field, name in source.columns.items()}
    try:
        return _inserted(
            connection,
            _insert_rows("file_row_number + 1", values, list(texts.values()))
            + " from read_parquet(?, binary_as_string = true, file_row_number = true)"
            + _BY_ROW,
            [scenario_id, pattern],
        )
    except duckdb.Error as error:
        raise CensusError(f"{source.path}: not a Parquet file that can be read: {error}") from error


def _inserted(
    connection: duckdb.DuckDBPyConnection, statement: str, values: Sequence[object]
) -> int:
    """Execute an insert and return the number of rows it added."""
    ((rows,),) = connection.execute(statement, values).fetchall()
    return rows


# what people see as empty: trim alone takes spaces off, and leaves tabs
_BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"


def _insert_rows(row_number: str, values: Mapping[CensusField, str], cells: list[str]) -> str:
    """Return the SQL that inserts the rows; `cells` are all columns, kept where there is no id.

    A tab separates them, because a note has several words in one cell.
    """
    selected = [f"{values.get(field, 'null')}::varchar as {field}" for field in CENSUS_FIELDS]
    # what begins with a visible character is not empty: compared in a fifth of the time of a trim
    return (
        f"insert into raw.census by name select ? as scenario_id, {row_number} as row_number, "
        f"{', '.join(selected)}, null::varchar as malformed, "
        f"case when coalesce({values['employee_id']}, '') not between '!' and '~' "
        f"and trim(coalesce({values['employee_id']}::varchar, ''), {_BLANKS}) = '' "
        f"then nullif(trim(concat_ws(chr(9), {', '.join(cells)}), {_BLANKS}), '') end as cells"
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
