"""Looks at a census file: where its header is, and which of its columns are those of a census."""

import codecs
import glob
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from shared_lib.configuration.validated_yaml import load_yaml, validate_document
from shared_lib.warehouse.connection import open_memory
from simulation.census.columns.mapping import (
    CENSUS_FIELDS,
    CensusError,
    CensusField,
    CensusMapping,
    fitting_mapping,
    listed,
    require_columns,
)
from simulation.census.columns.proposal import Proposal, propose_columns, recognised
from simulation.census.columns.repeated_names import distinguished, numbered_again
from simulation.census.files import workbooks
from simulation.census.files.csv_records import CsvHead, read_head
from simulation.census.levels import top_level

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", *workbooks.SUFFIXES)
PROPOSED = "proposed"
_EXAMPLES = 400


@dataclass(frozen=True)
class CensusSource:
    """A census file as it is about to be read.

    `name` is that of the mapping, its file, or ``proposed``. `positions` are those of the census
    columns in `header`, and `reasons` say why. `text` is the CSV file to read: the file itself, a
    copy of a sheet, or None for Parquet, whose columns have `types`.
    """

    path: Path
    name: str
    mapping: CensusMapping
    header: list[str]
    positions: dict[CensusField, int]
    reasons: dict[CensusField, str]
    unused: dict[int, str]
    examples: list[list[str]]
    assumptions: list[str]
    text: Path | None = None
    encoding: str = "utf-8"
    head: CsvHead | None = None
    types: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> dict[CensusField, str]:
        """Return the census columns with their names in the file."""
        return {name: self.header[position] for name, position in self.positions.items()}

    @property
    def absent(self) -> tuple[CensusField, ...]:
        """Return the census columns that the file does not have."""
        return tuple(name for name in CENSUS_FIELDS if name not in self.positions)


@contextmanager
def opened_source(
    path: Path,
    *,
    mappings: Mapping[str, CensusMapping],
    mapping_name: str | None = None,
    sheet: str | None = None,
) -> Iterator[CensusSource]:
    """Find the header of a census file and the mapping of its columns.

    Args:
        path: the file, of one of the `SUFFIXES`.
        mappings: the configured mappings. Without a name, the one that fits is taken; if none
            does, the columns are proposed.
        mapping_name: a configured mapping, or a YAML file with one.
        sheet: of a workbook; without it that of the mapping, else the first with a census.

    Yields:
        What was found; the copy of a sheet exists until the context ends.

    Raises:
        CensusError: the file is absent, empty, of an unknown kind or not in the stated encoding,
            the mapping is unknown, or a required column is not there.
    """
    _check_file(path)
    stated = _stated_mapping(mappings, mapping_name, path)
    if path.suffix.lower() == ".parquet":
        yield _parquet_source(path, mappings, mapping_name, stated)
    elif path.suffix.lower() in workbooks.SUFFIXES:
        with TemporaryDirectory(prefix="census-") as folder:
            copy = Path(folder) / "sheet.csv"
            copied = workbooks.copy_sheet(
                path,
                copy,
                sheet=sheet or (stated.sheet if stated else None),
                date_format=stated.date_format if stated else None,
                known_names=_known_names(mappings, stated),
            )
            others = f" of {1 + len(copied.others)}" if copied.others else ""
            note = f"sheet {copied.sheet!r}{others} is read"
            if copied.others:
                note += f"; for another one of {listed(copied.others)} state `sheet` in a mapping"
            try:
                source = _csv_source(path, copy, mappings, mapping_name, stated, notes=[note])
            except CensusError as error:
                raise CensusError(f"{error}; {note}") from error
            if source.mapping.date_system is None:
                stated_by_file = {"date_system": copied.date_system}
                source = replace(source, mapping=source.mapping.model_copy(update=stated_by_file))
            yield source
    else:
        yield _csv_source(path, path, mappings, mapping_name, stated, notes=[])


def check_census(
    path: str | None, *, mappings: Mapping[str, CensusMapping], mapping_name: str | None
) -> None:
    """Find the mistakes in a census that show before a run: in its file, mapping and columns.

    Raises:
        CensusError: as :func:`opened_source` raises it; a mapping is named that does not exist.
        ConfigurationError: the file of a mapping is missing or wrong.
    """
    if path is None:
        _stated_mapping(mappings, mapping_name, Path("the generated census"))
        return
    with opened_source(Path(path), mappings=mappings, mapping_name=mapping_name):
        pass


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise CensusError(f"{path}: is a folder, not a census file")
    meant = "" if path.is_file() else _did_you_mean(path)
    if path.suffix.lower() not in SUFFIXES:
        raise CensusError(
            f"{path}: a census file is named {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, "
            f"not {path.suffix!r}{meant}"
        )
    if not path.is_file():
        where = "" if path.is_absolute() else f" in {Path.cwd()}"
        raise CensusError(f"{path}: there is no such census file{where}{meant}")
    if not path.stat().st_size:
        raise CensusError(f"{path}: the file is empty")


def _did_you_mean(path: Path) -> str:
    """Return the end of a message: ``path`` with its first wrong part spelt as what is there."""
    wrong = path
    while not wrong.parent.exists():
        wrong = wrong.parent
    inside = path.relative_to(wrong)
    known = [
        each.name for each in wrong.parent.iterdir() if each.is_dir() or each.suffix in SUFFIXES
    ]
    nearest = [str(wrong.with_name(name) / inside) for name in get_close_matches(wrong.name, known)]
    return f", did you mean {' or '.join(nearest)}?" if nearest else ""


def _stated_mapping(
    mappings: Mapping[str, CensusMapping], name: str | None, path: Path
) -> CensusMapping | None:
    if name is None:
        return None
    if name in mappings:
        return mappings[name]
    if Path(name).suffix in {".yaml", ".yml"}:
        file = Path(name)
        return validate_document(load_yaml(file), CensusMapping, path=file)
    raise CensusError(
        f"{path}: no census mapping is called {name!r}; there are {listed(mappings)}, "
        "and a YAML file with a mapping may be named"
    )


def _known_names(
    mappings: Mapping[str, CensusMapping], stated: CensusMapping | None
) -> Callable[[Sequence[str]], int]:
    """Return how many columns of a census the cells of a row name."""
    known = [stated] if stated else list(mappings.values())

    def known_names(cells: Sequence[str]) -> int:
        of_mappings = max((len(mapping.fields_in(cells)) for mapping in known), default=0)
        return of_mappings if stated else max(of_mappings, recognised(cells))

    return known_names


def _csv_source(
    path: Path,
    text: Path,
    mappings: Mapping[str, CensusMapping],
    name: str | None,
    stated: CensusMapping | None,
    *,
    notes: list[str],
) -> CensusSource:
    known_names = _known_names(mappings, stated)

    def head_with(mapping: CensusMapping | None) -> tuple[str, CsvHead]:
        asked = (mapping.encoding if mapping else None) if text == path else "utf-8"
        encoding = asked or _found_encoding(text)
        delimiter = (mapping.delimiter if mapping else None) if text == path else ","
        head = read_head(text, encoding=encoding, delimiter=delimiter, known_names=known_names)
        return encoding, head

    encoding, head = head_with(stated)
    chosen_name, mapping, proposal = _choose(
        path, head.header, head.examples, mappings, name, stated
    )
    if stated is None and (mapping.encoding or mapping.delimiter):
        encoding, head = head_with(mapping)
        require_columns(mapping, head.header, name=chosen_name, path=path)
        positions = mapping.fields_in(head.header)
    else:
        positions = proposal.columns
    notes += distinguished(
        head.header,
        positions,
        mapping=None if chosen_name == PROPOSED else mapping,
        path=path,
    )
    if head.skipped:
        rows = len(head.skipped)
        notes.append(
            f"{rows} {'row' if rows == 1 else 'rows'} before the header skipped: "
            + "; ".join(row[:80] for row in head.skipped)
        )
    if mapping.encoding is None and encoding not in {"utf-8", "utf-16"}:
        notes.append(f"the file is not UTF-8 text and is read as {encoding}")
    return CensusSource(
        path=path,
        name=chosen_name,
        mapping=mapping,
        header=head.header,
        positions=positions,
        reasons=proposal.reasons,
        unused=proposal.unused,
        examples=head.examples,
        assumptions=notes + _assumed_columns(chosen_name, head.header, proposal),
        text=text,
        encoding=encoding,
        head=head,
    )


def _parquet_source(
    path: Path,
    mappings: Mapping[str, CensusMapping],
    name: str | None,
    stated: CensusMapping | None,
) -> CensusSource:
    pattern = glob.escape(str(path))  # DuckDB treats every path as a pattern
    try:
        with open_memory() as connection:
            read = "read_parquet(?, binary_as_string = true)"
            types: dict[str, str] = dict(
                connection.execute(
                    f"select column_name, column_type from (describe select * from {read})",  # noqa: S608 - own names
                    [pattern],
                ).fetchall()
            )
            rows = connection.execute(f"from {read} limit {_EXAMPLES}", [pattern]).fetchall()
    except duckdb.Error as error:
        raise CensusError(f"{path}: not a Parquet file that can be read: {error}") from error
    header = list(types)
    examples = [["" if value is None else str(value) for value in row] for row in rows]
    chosen_name, mapping, proposal = _choose(path, header, examples, mappings, name, stated)
    notes = distinguished(
        header,
        proposal.columns,
        mapping=None if chosen_name == PROPOSED else mapping,
        path=path,
    )
    return CensusSource(
        path=path,
        name=chosen_name,
        mapping=mapping,
        header=header,
        positions=proposal.columns,
        reasons=proposal.reasons,
        unused=proposal.unused,
        examples=examples,
        assumptions=notes + _assumed_columns(chosen_name, header, proposal),
        types=types,
    )


def _choose(
    path: Path,
    header: list[str],
    examples: Sequence[Sequence[str]],
    mappings: Mapping[str, CensusMapping],
    name: str | None,
    stated: CensusMapping | None,
) -> tuple[str, CensusMapping, Proposal]:
    """Return the mapping and its name, with the position of each column and why it was taken."""
    if stated is None:
        name = fitting_mapping(mappings, header, path=path)
    if name is not None:
        mapping = stated or mappings[name]
        require_columns(mapping, header, name=name, path=path)
        positions = mapping.fields_in(header)
        reasons = dict.fromkeys(positions, f"by the mapping {name}")
        return name, mapping, Proposal(positions, reasons)
    proposal = propose_columns(header, examples, top_level=top_level())
    if proposal.missing:
        raise CensusError(_missing(path, header, proposal))
    proposal.unused.update(numbered_again(header, proposal.columns))
    names: dict[CensusField, str] = {
        field: header[position] for field, position in proposal.columns.items()
    }
    mapping = CensusMapping(columns=names)
    require_columns(mapping, header, name=PROPOSED, path=path)
    return PROPOSED, mapping, proposal


def _missing(path: Path, header: Sequence[str], proposal: Proposal) -> str:
    found = ", ".join(f"{header[at]} is {field}" for field, at in proposal.columns.items())
    unused = "; ".join(f"{header[at]} is {why}" for at, why in proposal.unused.items())
    return (
        f"{path}: no column was recognised as {' or '.join(proposal.missing)}. The file has the "
        f"columns {listed(name or '(no name)' for name in header)}"
        + (f"; {found}" if found else "")
        + (f"; {unused}" if unused else "")
        + ". Name the columns in a mapping: docs/simulation/census.md shows one"
    )


def _assumed_columns(name: str, header: Sequence[str], proposal: Proposal) -> list[str]:
    if name != PROPOSED:
        return []
    renamed = [
        f"{header[position]} is {field}"
        for field, position in proposal.columns.items()
        if header[position] != field
    ]
    guessed = [
        f"{header[position]} was taken for {field} {proposal.reasons[field]}"
        for field, position in proposal.columns.items()
        if proposal.reasons[field].startswith("by its values")
    ]
    left_out = [f"{header[position]} is {why}" for position, why in proposal.unused.items()]
    return [
        *([f"columns by their names: {', '.join(renamed)}"] if renamed else []),
        *guessed,
        *(f"not used: {sentence}" for sentence in left_out),
    ]


def _found_encoding(path: Path) -> str:
    """Return UTF-8 or UTF-16 where all bytes are such, else cp1252, in which few bytes are not."""
    with path.open("rb") as content:
        head = content.read(65_536)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if head[1::2].count(0) > len(head) / 4:
            return "utf-16-le"
        if head[::2].count(0) > len(head) / 4:
            return "utf-16-be"
        decoder = codecs.getincrementaldecoder("utf-8")()
        content.seek(0)
        try:
            while chunk := content.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252" if _is_text(path, "cp1252") else "latin-1"
    return "utf-8"


def _is_text(path: Path, encoding: str) -> bool:
    try:
        path.read_bytes().decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
