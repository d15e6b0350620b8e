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
    "status",
    "fte",
    "pay_basis",
    "position",
    "job_family",
]
CENSUS_FIELDS: tuple[CensusField, ...] = get_args(CensusField)
REQUIRED_FIELDS: tuple[CensusField, ...] = ("employee_id", "hire_date", "annual_compensation")
DATE_FIELDS: tuple[CensusField, ...] = ("hire_date", "birth_date", "termination_date")

DateOrder = Literal["day_first", "month_first"]
PayBasis = Literal["hourly", "daily", "weekly", "biweekly", "semimonthly", "monthly", "annual"]


class CensusError(ValueError):
    """A census file, or the mapping chosen for it, cannot be used; the message says why."""


class CensusMapping(BaseModel):
    """The columns, date format and encoding of one kind of HR export."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[CensusField, Annotated[str, StringConstraints(min_length=1)]] = Field(
        description=(
            "Census column to its name in the file, whatever its case. Required: employee_id, "
            "hire_date (first hired), annual_compensation. Optional: birth_date, level (whole "
            "number), termination_date, department, status (active or not), fte (share of "
            "full time), pay_basis (hourly, annual, ...), position (distinguishes a second "
            "position from a repeated row) and job_family (nurses, clerks, ...)."
        )
    )
    date_format: str | None = Field(
        default=None,
        description=(
            "Format of the dates in a text file, in strptime codes such as %d/%m/%Y. Without it, "
            "the formats are found in the values."
        ),
    )
    date_order: DateOrder | None = Field(
        default=None,
        description="How to read dates such as 03/04/2011 where the column does not show it.",
    )
    date_system: Literal[1900, 1904] | None = Field(
        default=None,
        description=(
            "Year from which serial numbers of days, such as 45657, are counted. Without it, that "
            "of the workbook; else 1900, unless only 1904 leads to hires in the year before the "
            "census."
        ),
    )
    decimal_separator: Literal[".", ","] | None = Field(
        default=None,
        description="Sign before the decimals of pay; without it, found in the values.",
    )
    encoding: str | None = Field(
        default=None,
        description=(
            "Character encoding of a CSV file, such as utf-8, cp1252 or utf-16. Without it, "
            "UTF-8 or UTF-16 where the bytes are such, else cp1252."
        ),
    )
    delimiter: str | None = Field(
        default=None,
        description=(
            "The one character between the values of a CSV file. Without it, the one of comma, "
            "semicolon, tab and bar that yields a header with the most known columns."
        ),
    )
    sheet: str | None = Field(
        default=None,
        description="Sheet of a workbook; without it, the first with a header of a census.",
    )
    pay_basis: PayBasis | None = Field(
        default=None,
        description=(
            "What the pay of a file is for, where no column states it. Without it, found by the "
            "name of the column and the size of its values."
        ),
    )
    pay_factors: dict[PayBasis, Annotated[float, Field(gt=0)]] = Field(
        default={},
        description=(
            "By how much pay on a basis is multiplied to be annual, such as {hourly: 2080}. "
            "Required for each basis in the file but annual."
        ),
    )
    pay_at_full_time: bool = Field(
        default=False,
        description="Whether pay is that of full time, so that it is multiplied by the fte column.",
    )
    active_statuses: tuple[Annotated[str, StringConstraints(min_length=1)], ...] | None = Field(
        default=None,
        description=(
            "The values of the status column of people who are employed, whatever their case. "
            "Without it, the usual words in several languages."
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
    def _has_year_month_and_day(cls, date_format: str | None) -> str | None:
        if date_format is None:
            return None
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
    def _is_a_text_encoding(cls, encoding: str | None) -> str | None:
        try:
            "text".encode(encoding or "utf-8")
        except LookupError as error:
            raise ValueError(
                f"{encoding!r} is not a known text encoding; utf-8, cp1252, latin-1 and utf-16 are"
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

    def fields_in(self, header: Sequence[str]) -> dict[CensusField, int]:
        """Return the census columns that a file with this header has, with their positions.

        A name in the same case comes before one that differs in case or surrounding blanks.
        """
        folded = [name.strip().casefold() for name in header]
        positions: dict[CensusField, int] = {}
        for field in CENSUS_FIELDS:
            name = self.columns.get(field)
            if name is not None and name in header:
                positions[field] = list(header).index(name)
            elif name is not None and name.strip().casefold() in folded:
                positions[field] = folded.index(name.strip().casefold())
        return positions


def fitting_mapping(
    mappings: Mapping[str, CensusMapping], header: Sequence[str], *, path: Path
) -> str | None:
    """Return the name of the configured mapping whose required columns the file has, if any.

    Raises:
        CensusError: several fit.
    """
    fitting = [name for name, mapping in mappings.items() if not _absent(mapping, header)]
    if len(fitting) > 1:
        raise CensusError(f"{path}: fits several census mappings, {listed(fitting)}; name one")
    return fitting[0] if fitting else None


def require_columns(
    mapping: CensusMapping, header: Sequence[str], *, name: str, path: Path
) -> None:
    """Check that the file has the columns that the mapping requires.

    Raises:
        CensusError: a required column is absent.
    """
    if absent := _absent(mapping, header):
        described = "; ".join(_absence(column, header) for column in absent)
        raise CensusError(
            f"{path}: a column that the census mapping {name} requires is absent: "
            f"{described}. The file has the columns {listed(header)}"
        )


def _absent(mapping: CensusMapping, header: Sequence[str]) -> list[str]:
    present = mapping.fields_in(header)
    return [mapping.columns[field] for field in REQUIRED_FIELDS if field not in present]


def _absence(column: str, header: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(column, header, n=1)
    return f"no {column}" + (f", but {nearest[0]}" if nearest else "")


def listed(names: Iterable[str]) -> str:
    """Return the names with commas between, or ``none``."""
    return ", ".join(names) or "none"
