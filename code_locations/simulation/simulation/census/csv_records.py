"""Copies a CSV file so that DuckDB's reader loses no row of it.

If a file has an opening quote that is never closed, DuckDB 1.5.5 reads the rows before it and
silently drops the rest: half a million of a million rows lost, with `store_rejects` on and an
empty table of rejects. A file with two kinds of line ending fails altogether. So this module
resolves the quotes line by line, and DuckDB splits the result.
"""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from simulation.census.mapping import CensusError

DELIMITERS = ",;\t|"

# A quoted value may span several lines, as an address does. One that is still open after this many
# lines has lost its closing quote, and must not swallow the rows after it.
_LINES_OF_A_RECORD = 20
_OPEN_QUOTE = "unexpected end of data"


@dataclass(frozen=True)
class CsvCopy:
    """What was copied: `rows` counts every row, including the `unreadable` (number, reason)."""

    header: list[str]
    delimiter: str
    rows: int
    unreadable: list[tuple[int, str]]


def read_header(path: Path, *, encoding: str, delimiter: str | None) -> list[str]:
    """Return the column names of a CSV file; the delimiter is detected if none is given.

    Raises:
        CensusError: the file holds no text at all, or text in another encoding.
    """
    with _decoded(path, encoding) as lines:
        return _header(lines, path, delimiter)[0]


def copy_csv(path: Path, copy: Path, *, encoding: str, delimiter: str | None) -> CsvCopy:
    r"""Copy the rows below the header as UTF-8, each preceded by its number, separated by \n.

    Values that need quotes are quoted as RFC 4180 specifies. A line with malformed quotes is
    left out and reported; blank lines are ignored.

    Raises:
        CensusError: the file holds no text at all, or text in another encoding.
    """
    rows = 0
    unreadable: list[tuple[int, str]] = []
    with _decoded(path, encoding) as lines, copy.open("w", encoding="utf-8", newline="") as target:
        header, delimiter = _header(lines, path, delimiter)
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
                writer.writerow([rows, *_record(line, ahead, lines, delimiter, len(header))])
            except csv.Error as error:
                unreadable.append((rows, f"{error}: {line.rstrip()}"))
    return CsvCopy(header, delimiter, rows, unreadable)


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


def _header(lines: TextIO, path: Path, delimiter: str | None) -> tuple[list[str], str]:
    first = next((line for line in lines if line.strip(" \n")), None)
    if first is None:
        raise CensusError(f"{path}: the file is empty")
    if delimiter is None:
        delimiter = max(DELIMITERS, key=lambda one: len(next(csv.reader([first], delimiter=one))))
    try:
        names = _record(first, deque(), lines, delimiter)
    except csv.Error as error:
        raise CensusError(
            f"{path}: the header cannot be read ({error}): {first.rstrip()}"
        ) from error
    return [name.strip() for name in names], delimiter


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
