"""Maps the columns of an HR export to those of the census, and finds the mapping for a file."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

CensusField = Literal[
    "employee_id",
    "hire_date",
    "annual_compensation",
    "birth_date",
    "level",
    "termination_date",
    "department",
]
CENSUS_FIELDS: tuple[CensusField, ...] = get_args(CensusField)
REQUIRED_FIELDS: tuple[CensusField, ...] = ("employee_id", "hire_date", "annual_compensation")


class CensusError(ValueError):
    """A census file, or the mapping chosen for it, cannot be used; the message says why."""


class CensusMapping(BaseModel):
    """The columns, date format and encoding of one kind of HR export."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[CensusField, Annotated[str, StringConstraints(min_length=1)]] = Field(
        description=(
            "Census column to its name in the file. Required: employee_id, hire_date (first "
            "hired), annual_compensation (annual rate, dollars). Optional: birth_date, level "
            "(whole number), termination_date, department."
        )
    )
    date_format: str = Field(
        default="%Y-%m-%d",
        description="Format of the dates in a text file, in strptime codes such as %d/%m/%Y.",
    )
    encoding: str = Field(
        default="utf-8",
        description="Character encoding of a CSV file, such as utf-8, cp1252 or utf-16.",
    )
    delimiter: str | None = Field(
        default=None,
        description=(
            "The one character between the values of a CSV file. Without it, the one of comma, "
            "semicolon, tab and bar that splits the header into the most columns."
        ),
    )

    @field_validator("columns")
    @classmethod
    def _names_each_column_once(cls, columns: dict[CensusField, str]) -> dict[CensusField, str]:
        missing = [field for field in REQUIRED_FIELDS if field not in columns]
        if missing:
            raise ValueError(f"no column is named for {', '.join(missing)}")
        repeated = [name for name, times in Counter(columns.values()).items() if times > 1]
        if repeated:
            raise ValueError(f"named for more than one census column: {', '.join(repeated)}")
        return columns

    @field_validator("date_format")
    @classmethod
    def _tells_the_whole_date(cls, date_format: str) -> str:
        probe = datetime(2024, 11, 23, tzinfo=UTC)
        try:
            # a date alone has no zone
            parsed = datetime.strptime(probe.strftime(date_format), date_format)  # noqa: DTZ007
        except ValueError as error:
            raise ValueError(f"{date_format!r} is not a date format: {error}") from error
        if parsed.date() != probe.date():
            raise ValueError(f"{date_format!r} must hold year, month and day, as in %Y-%m-%d")
        return date_format

    @field_validator("encoding")
    @classmethod
    def _is_a_text_encoding(cls, encoding: str) -> str:
        try:
            "text".encode(encoding)
        except LookupError as error:
            raise ValueError(
                f"{encoding!r} is no known text encoding; utf-8, cp1252, latin-1 and utf-16 are"
            ) from error
        return encoding

    @field_validator("delimiter")
    @classmethod
    def _is_one_separating_character(cls, delimiter: str | None) -> str | None:
        if delimiter is not None and (
            len(delimiter) != 1
            or not delimiter.isascii()
            or delimiter.isalnum()
            or delimiter in '"\r\n'
        ):
            raise ValueError(f"{delimiter!r} must be one ASCII character such as , or ;")
        return delimiter

    def fields_in(self, header: Sequence[str]) -> dict[str, str]:
        """Return the census columns that a file with this header has, with their names in it."""
        return {
            field: self.columns[field]
            for field in CENSUS_FIELDS
            if self.columns.get(field) in header
        }


def choose_mapping(
    mappings: Mapping[str, CensusMapping],
    header: Sequence[str],
    name: str | None = None,
    *,
    path: Path,
) -> str:
    """Return the name of the mapping for the file at `path` with the given header.

    If a name is given, the header must have that mapping's required columns. Otherwise exactly
    one mapping must have its required columns there. Optional columns may be absent.

    Raises:
        CensusError: the mapping is unknown, a required column is absent, or none or several fit.
    """
    if name is None:
        name = _only_fitting(mappings, header, path)
    elif name not in mappings:
        raise CensusError(
            f"{path}: no census mapping is called {name!r}; there are {_listed(mappings)}"
        )
    _require_columns(mappings[name], header, name=name, path=path)
    return name


def _only_fitting(mappings: Mapping[str, CensusMapping], header: Sequence[str], path: Path) -> str:
    fitting = [name for name, mapping in mappings.items() if not _absent(mapping, header)]
    if len(fitting) > 1:
        raise CensusError(f"{path}: fits several census mappings, {_listed(fitting)}; name one")
    if fitting:
        return fitting[0]
    needs = "; ".join(
        f"{name} needs {_listed(mapping.columns[field] for field in REQUIRED_FIELDS)}"
        f" ({_absences(mapping, header)})"
        for name, mapping in mappings.items()
    )
    raise CensusError(
        f"{path}: no census mapping fits. The file has the columns {_listed(header)}; {needs}"
    )


def _require_columns(
    mapping: CensusMapping, header: Sequence[str], *, name: str, path: Path
) -> None:
    if _absent(mapping, header):
        raise CensusError(
            f"{path}: a column that the census mapping {name} requires is absent: "
            f"{_absences(mapping, header)}. The file has the columns {_listed(header)}"
        )
    repeated = [column for column in mapping.columns.values() if list(header).count(column) > 1]
    if repeated:
        raise CensusError(f"{path}: the header has {_listed(repeated)} more than once")


def _absent(mapping: CensusMapping, header: Sequence[str]) -> list[str]:
    required = (mapping.columns[field] for field in REQUIRED_FIELDS)
    return [column for column in required if column not in header]


def _absences(mapping: CensusMapping, header: Sequence[str]) -> str:
    described = []
    for column in _absent(mapping, header):
        nearest = difflib.get_close_matches(column, header, n=1)
        described.append(f"no {column}" + (f", but {nearest[0]}" if nearest else ""))
    return "; ".join(described)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
