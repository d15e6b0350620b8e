"""Copies a CSV file so that DuckDB's reader loses no row of it.

If a file has an opening quote that is never closed, DuckDB 1.5.5 reads the rows before it and
silently drops the rest: half a million of a million rows lost, with `store_rejects` on and an
empty table of rejects. A file with two kinds of line ending fails altogether. So this module
resolves the quotes line by line, and DuckDB splits the result.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from operator import length_hint
from pathlib import Path
from typing import TextIO

from simulation.census.columns.mapping import CensusError

DELIMITERS = ",;\t|"

# A quoted value may span several lines, as an address does. One that is still open after this many
# lines has lost its closing quote, and must not swallow the rows after it.
_LINES_OF_A_RECORD = 20
_OPEN_QUOTE = "unexpected end of data"


# The header must be among this many lines; the lines after it are examples of the values.
_LINES_OF_THE_HEAD = 400
_ROWS_BEFORE_A_HEADER = 30


@dataclass(frozen=True)
class CsvHead:
    """The beginning of a CSV file.

    `skipped` are the rows before the header, `lines` how many lines end with the header, and
    `examples` the first rows below it.
    """

    header: list[str]
    delimiter: str
    lines: int
    skipped: list[str]
    examples: list[list[str]]


@dataclass(frozen=True)
class CsvCopy:
    """What was copied: `rows` counts every row, including the `unreadable` (number, reason)."""

    rows: int
    unreadable: list[tuple[int, str]]


@dataclass(frozen=True)
class _Row:
    values: list[str]
    text: str
    last_line: int
    error: csv.Error | None = None


def read_head(
    path: Path,
    *,
    encoding: str,
    delimiter: str | None,
    known_names: Callable[[Sequence[str]], int],
) -> CsvHead:
    """Find the header of a CSV file, and the delimiter if none is given.

    The header is the row with the most known names, if it has two, else the first row.

    Args:
        path: the file.
        encoding: its encoding.
        delimiter: the character between its values.
        known_names: returns how many of the names in a row are known.

    Raises:
        CensusError: the file holds no text at all, or text in another encoding.
    """
    with _decoded(path, encoding) as content:
        lines = list(islice(content, _LINES_OF_THE_HEAD))
    if lines and (stated := re.fullmatch(r"sep=(.)\s*", lines[0])):
        delimiter = delimiter or stated[1]
        lines[0] = "\n"
    if not any(line.strip(" \n") for line in lines):
        raise CensusError(f"{path}: the file is empty")
    found = [
        (known, width, -order, position, one, rows)
        for order, one in enumerate([delimiter] if delimiter else DELIMITERS)
        for rows in [_rows(lines, one)]
        for known, width, position in [_header_in(rows, known_names)]
    ]
    _, _, _, position, delimiter, rows = max(found, key=lambda one: one[:3])
    row = rows[position]
    if row.error is not None:
        raise CensusError(
            f"{path}: the header cannot be read ({row.error}): {row.text}"
        ) from row.error
    return CsvHead(
        header=[name.strip() for name in row.values],
        delimiter=delimiter,
        lines=row.last_line,
        skipped=[before.text for before in rows[:position]],
        examples=[after.values for after in rows[position + 1 :] if after.error is None],
    )


def copy_csv(path: Path, copy: Path, *, encoding: str, head: CsvHead) -> CsvCopy:
    r"""Copy the rows below the header as UTF-8, each preceded by its number, separated by \n.

    Values that need quotes are quoted as RFC 4180 specifies. A line with malformed quotes is
    left out and reported; blank lines are ignored.

    Raises:
        CensusError: the file holds no text at all, or text in another encoding.
    """
    rows = 0
    unreadable: list[tuple[int, str]] = []
    with _decoded(path, encoding) as lines, copy.open("w", encoding="utf-8", newline="") as target:
        for _ in range(head.lines):
            next(lines)
        delimiter, width = head.delimiter, len(head.header)
        writer = csv.writer(target, delimiter=delimiter, lineterminator="\n")
        ahead: deque[str] = deque()
        while line := ahead.popleft() if ahead else next(lines, ""):
            if '"' not in line:
                if line.strip(" \n"):
                    rows += 1
                    target.write(f"{rows}{delimiter}{line}")
                continue
            rows += 1
            try:
                writer.writerow([rows, *_record(line, ahead, lines, delimiter, width)])
            except csv.Error as error:
                unreadable.append((rows, f"{error}: {line.rstrip()}"))
    return CsvCopy(rows, unreadable)


@contextmanager
def _decoded(path: Path, encoding: str) -> Iterator[TextIO]:
    # A byte-order mark is not part of the first column's name.
    codec = "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
    try:
        with path.open(encoding=codec, newline=None) as lines:
            yield lines
    except UnicodeError as error:
        line = _undecodable_line(path, codec)
        raise CensusError(
            f"{path}: {f'line {line}' if line else 'the file'} is not {encoding} text "
            f"({error.reason if isinstance(error, UnicodeDecodeError) else error}). Set `encoding` "
            "of its census mapping to the file's own, for instance cp1252 or utf-16"
        ) from error


def _undecodable_line(path: Path, codec: str) -> int | None:
    if not "a\n".encode(codec).endswith(b"a\n"):
        return None  # in UTF-16 and its like, bytes do not split into lines
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode(codec)
            except UnicodeError:
                return number
    return None


def _rows(lines: Sequence[str], delimiter: str) -> list[_Row]:
    """Return the rows of the head of a file, blank lines left out."""
    rows: list[_Row] = []
    ahead: deque[str] = deque()
    following = iter(lines)
    while line := ahead.popleft() if ahead else next(following, ""):
        try:
            values, error = _record(line, ahead, following, delimiter), None
        except csv.Error as problem:
            values, error = [line.rstrip()], problem
        if line.strip(" \n"):
            last_line = len(lines) - length_hint(following) - len(ahead)
            rows.append(_Row(values, line.rstrip(), last_line, error))
    return rows


def _header_in(
    rows: Sequence[_Row], known_names: Callable[[Sequence[str]], int]
) -> tuple[int, int, int]:
    """Return how many known names the likeliest header has, its width and its position."""
    known, position = max(
        (known_names(row.values), -position)
        for position, row in enumerate(rows[:_ROWS_BEFORE_A_HEADER])
    )
    position = -position if known > 1 else 0
    return (known if known > 1 else 0), len(rows[position].values), position


def _record(
    line: str,
    ahead: deque[str],
    lines: Iterator[str],
    delimiter: str,
    width: int | None = None,
) -> list[str]:
    """Return the values of the record that begins with `line` and may span more lines.

    A record of several lines must have `width` values: otherwise its quotes were paired with
    those of another record. Lines that do not belong to it are put back into `ahead`.
    """
    try:
        return _split([line], delimiter)
    except csv.Error as error:
        if str(error) != _OPEN_QUOTE:
            raise
    looked_at: list[str] = []
    while len(looked_at) < _LINES_OF_A_RECORD:
        following = ahead.popleft() if ahead else next(lines, "")
        if not following:
            break
        looked_at.append(following)
        if '"' not in following:
            continue
        try:
            values = _split([line, *looked_at], delimiter)
        except csv.Error as error:
            if str(error) == _OPEN_QUOTE:
                continue
            break
        if width is None or (len(values) >= width and not any(values[width:])):
            return values
        break
    ahead.extendleft(reversed(looked_at))
    raise csv.Error("a quote is opened and not closed")


def _split(record: Sequence[str], delimiter: str) -> list[str]:
    (values,) = csv.reader(record, delimiter=delimiter, strict=True)
    return values
