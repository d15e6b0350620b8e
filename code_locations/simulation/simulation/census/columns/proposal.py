"""Proposes what each column of a file is, from its name and from examples of its values."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from simulation.census.columns.mapping import CENSUS_FIELDS, REQUIRED_FIELDS, CensusField
from simulation.census.columns.words import (
    COLUMN_NAMES,
    CURRENCIES,
    OTHER_THINGS,
    PAY_BASES,
    STATUSES,
    folded,
    month_numbers,
)

_NAMES = {field: names.split(", ") for field, names in COLUMN_NAMES.items()}
_EXACT = 1_000
_CONTAINED = 500
_LONGEST_NAME = 60
_LONGEST_DATE = 40
_SHORT = 3  # such a name is too short to be recognised within another

# Shares of the examples whose kind decides on a column.
_HALF = 0.5
_NEARLY_ALL = 0.9


@dataclass(frozen=True)
class Proposal:
    """What the columns of a file were taken for.

    `columns` are the positions of the census columns, `reasons` say why, and `unused` says why a
    column whose name fits was not taken, by its position.
    """

    columns: dict[CensusField, int]
    reasons: dict[CensusField, str]
    unused: dict[int, str] = dataclass_field(default_factory=dict)

    @property
    def missing(self) -> list[CensusField]:
        """Return the required census columns that were not found."""
        return [name for name in REQUIRED_FIELDS if name not in self.columns]


def recognised(header: Sequence[str]) -> int:
    """Return how many census columns the cells of a row name, whatever the values below."""
    cells = [name for name in header if len(name) <= _LONGEST_NAME]
    return len({field for field in CENSUS_FIELDS for name in cells if _name_score(field, name)})


def propose_columns(
    header: Sequence[str], examples: Sequence[Sequence[str]], *, top_level: int
) -> Proposal:
    """Return which column each census column is likely to be.

    A name that is known comes first, then one that contains a known name. Its values have to fit:
    no column of text is a hire date. A required column that no name matches is the only one
    left whose values fit.
    """
    columns = [_values(examples, position) for position in range(len(header))]
    fits = _content_tests(top_level)
    scored: list[tuple[int, int, int, CensusField]] = sorted(
        (
            (-score, CENSUS_FIELDS.index(field), position, field)
            for field in CENSUS_FIELDS
            for position, name in enumerate(header)
            if (score := _name_score(field, name))
        ),
    )
    chosen: dict[CensusField, int] = {}
    reasons: dict[CensusField, str] = {}
    unused: dict[int, str] = {}
    for negative, _, position, field in scored:
        if field in chosen or position in chosen.values():
            continue
        complaint = fits[field](columns[position])
        if complaint:
            unused.setdefault(position, f"named like {field}, but {complaint}")
            continue
        chosen[field] = position
        reasons[field] = "by its name" if -negative >= _CONTAINED + 200 else "by a part of its name"
    for field in REQUIRED_FIELDS:
        if field in chosen:
            continue
        candidates = _by_content(field, columns, taken=set(chosen.values()))
        if len(candidates) == 1 or (field == "employee_id" and candidates):
            chosen[field] = candidates[0]
            reasons[field] = _CONTENT_REASONS[field]
    taken = set(chosen.values())
    for position in set(range(len(header))) - taken - set(unused):
        currencies = {CURRENCIES.get(value.lower(), "") for value in columns[position]}
        if len(currencies) > 1 and all(currencies):
            named = " and ".join(sorted(currencies))
            unused[position] = f"a column of currencies: amounts in {named} are not converted"
        elif (
            not {"termination_date", "status"} & set(chosen)
            and _share(columns[position], _is_calendar_date) >= _HALF
        ):
            unused[position] = _PERHAPS_LAST_DAYS
    return Proposal(
        columns={field: chosen[field] for field in CENSUS_FIELDS if field in chosen},
        reasons=reasons,
        unused={position: why for position, why in unused.items() if position not in taken},
    )


_PERHAPS_LAST_DAYS = (
    "a column of dates that is not used: map it to termination_date if people left on them"
)
_CONTENT_REASONS: dict[CensusField, str] = {
    "employee_id": "by its values: each row has another",
    "hire_date": "by its values: the only column of dates left",
    "annual_compensation": "by its values: the only column of amounts left",
}


def _name_score(field: CensusField, name: str) -> int:
    """Return how well a name matches a census column, 0 not at all."""
    words = folded(name)
    if not words:
        return 0
    names = _NAMES[field]
    if words in names:
        return _EXACT - names.index(words)
    squeezed = words.replace(" ", "")
    for index, known in enumerate(names):
        if squeezed == known.replace(" ", "") and len(squeezed) > _SHORT:
            return _EXACT - index
    if set(words.split()) & set(OTHER_THINGS[field].split()):
        return 0
    for index, known in enumerate(names):
        if len(known) > _SHORT and f" {known} " in f" {words} " and known not in {"number", "hire"}:
            return _CONTAINED - index
    return 0


def _values(examples: Sequence[Sequence[str]], position: int) -> list[str]:
    values = (row[position].strip() for row in examples if position < len(row))
    return [value for value in values if value]


def _content_tests(top_level: int) -> dict[CensusField, Callable[[list[str]], str]]:
    """Return for each census column what complains about values that do not fit it."""

    def dates(values: list[str]) -> str:
        return "" if _share(values, _is_date) >= _HALF else f"{_example(values)} is not a date"

    def pay(values: list[str]) -> str:
        return "" if _share(values, _is_amount) >= _HALF else f"{_example(values)} is not an amount"

    def level(values: list[str]) -> str:
        allowed = {str(number) for number in range(1, top_level + 1)}
        odd = [value for value in values if re.sub(r"\.0+$", "", value) not in allowed]
        few = len(odd) < len(values) / 2
        return "" if few or not values else f"{_example(odd)} is not a level from 1 to {top_level}"

    def status(values: list[str]) -> str:
        known = any(folded(value) in STATUSES for value in values)
        return "" if known else f"{_example(values)} is not a known employment status"

    def basis(values: list[str]) -> str:
        known = any(folded(value) in PAY_BASES for value in values)
        return "" if known else f"{_example(values)} is not a known basis of pay"

    def anything(_: list[str]) -> str:
        return ""

    def identity(values: list[str]) -> str:
        is_date = _share(values, _is_calendar_date) >= _NEARLY_ALL
        return f"{_example(values)} is a date" if is_date else ""

    return {
        "employee_id": identity,
        "hire_date": dates,
        "annual_compensation": pay,
        "birth_date": dates,
        "level": level,
        "termination_date": lambda values: "" if not values else dates(values),
        "department": anything,
        "status": status,
        "fte": lambda values: "" if not values else pay(values),
        "pay_basis": basis,
        "position": anything,
        "job_family": anything,
    }


def _by_content(
    field: CensusField,
    columns: Sequence[list[str]],
    *,
    taken: set[int],
) -> list[int]:
    left = [position for position in range(len(columns)) if position not in taken]
    if field == "employee_id":
        return [
            position
            for position in left
            if len(columns[position]) > 1
            and len(set(columns[position])) == len(columns[position])
            and _share(columns[position], _is_calendar_date) < _HALF
            and not any(re.search(r"[.,]\d{2}$", value) for value in columns[position])
        ]
    if field == "hire_date":
        return [
            position for position in left if _share(columns[position], _is_calendar_date) >= _HALF
        ]
    return [
        position
        for position in left
        if _share(columns[position], _is_amount) >= _NEARLY_ALL
        and len(set(columns[position])) > 1
        and _share(columns[position], _is_calendar_date) < _HALF
    ]


_MONTH_WORDS = set(month_numbers())
_CALENDAR = re.compile(r"(\d{1,4}[-/. ]\s?\d{1,2}[-/. ]\s?\d{1,4}\.?)([T ,].*|Z|[+-]\d\d:?\d\d)?")
# 20110617, and the days since 1900 of a spreadsheet
_NUMERIC = re.compile(r"(19|20)\d{6}|\d{8}|[1-7]\d{4}(\.\d+)?")
_AMOUNT = re.compile(r"\(?[-+]?\D{0,4}\d[\d.,' \xa0\u202f\u2009\u2019]*(-|\D{0,12})\)?")


def _is_date(value: str) -> bool:
    return _NUMERIC.fullmatch(value) is not None or _is_calendar_date(value)


def _is_calendar_date(value: str) -> bool:
    if _CALENDAR.fullmatch(value):
        return True
    words = re.findall(r"[a-z]+", folded(value))
    is_short = len(value) < _LONGEST_DATE and any(character.isdigit() for character in value)
    return is_short and any(word in _MONTH_WORDS for word in words)


def _is_amount(value: str) -> bool:
    return _AMOUNT.fullmatch(value) is not None


def _share(values: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, values)) / len(values) if values else 0.0


def _example(values: Sequence[str]) -> str:
    return repr(values[0]) if values else "an empty column"
