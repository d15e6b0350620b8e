"""Every row of a census is judged once, as a second judge does who shares no code."""

import re
from collections import Counter
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.simulation.census.standard_census import (
    FIELDS,
    OPENING_DATE,
    TOP_LEVEL,
    read,
    validate,
    write_census,
)

from simulation.census import (
    CensusVerdict,
)

# The same judgement once more, row by row and without the code under test.

NO_DAY = [
    *(date(1, 1, 1), date(1753, 1, 1)),
    *(date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1)),
]


def real_day(text: str) -> date | None:
    found = day(text)
    return None if found in NO_DAY else found


def day(text: str) -> date | None:
    found = re.fullmatch(r"([0-9]{1,4})-([0-9]{1,2})-([0-9]{1,2})", text)
    if not found:
        return None
    year, month, number = map(int, found.groups())
    try:
        return date(year or 1, month, number)
    except ValueError:
        return None


def money(text: str) -> Decimal | None:
    body = re.sub(r"[\s\xa0]", " ", text).strip()
    signs = 0
    if body.startswith("(") and body.endswith(")"):
        signs, body = 1, body[1:-1]
        negative = True
    else:
        negative = False
    has_currency = False
    for _ in range(2):
        if body[:1] in {"+", "-"}:
            signs += 1
            negative |= body[0] == "-"
            body = body[1:].removeprefix(" ")
            if not body.startswith("$"):
                break
        if body.startswith("$") and not has_currency:
            body, has_currency = body.removeprefix("$").removeprefix(" "), True
    dash = re.search(r"(.*\d ?)\$? ?([.,]-+|-)( ?\$)?", body)
    if dash and dash[0] == body:
        body = dash[1].removesuffix(" ")
        if dash[2] == "-":
            signs, negative = signs + 1, True
    body = re.sub(r" ?\$$", "", body)
    return None if signs > 1 else _exact(body, negative=negative)


def _exact(body: str, *, negative: bool) -> Decimal | None:
    if re.fullmatch(r"[0-9]{1,3}( [0-9]{3})+([.,][0-9]{1,2})?", body):
        body = body.replace(" ", "")
    whole, point, cents = body.partition(".")
    if point and not re.fullmatch("[0-9]+", cents):
        return None
    if not re.fullmatch(r"[0-9]{1,15}|[0-9]{1,3}(,[0-9]{2})*,[0-9]{3}", whole):
        return None
    exact = Decimal(whole.replace(",", "") + point + cents) * (-1 if negative else 1)
    rounded = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return rounded if abs(rounded) < 10**14 else None


def level_of(text: str) -> int | None:
    found = re.fullmatch(r"([0-9]{1,9})(\.0+)?", text)
    return int(found[1]) if found and 1 <= int(found[1]) <= TOP_LEVEL else None


def before(one: date | None, other: date | None) -> bool:
    return one is not None and other is not None and one < other


def text_of(row: dict[str, str]) -> dict[str, str]:
    return {field: row.get(field, "").strip(" \t\r\n\xa0") for field in FIELDS}


def judged(row: dict[str, str], *, others: list[dict[str, str]]) -> str | None:
    """The first reason against the row by itself; None if it is a person employed."""
    text = text_of(row)
    pays = [money(text_of(other)["annual_compensation"]) for other in others if id_of(other)]
    paid = [pay for pay in pays if pay is not None and pay > 0]
    pay, hired = money(text["annual_compensation"]), day(text["hire_date"])
    enough = sum(paid) if text["hire_date"] else max(paid, default=0)
    if not text["employee_id"] and len(paid) >= 3 and pay is not None and pay >= enough:
        return "totals_row"
    if not any(value.strip(" ") for value in row.values()):
        return "empty_row"
    doubts = [
        *doubts_on_identity(text["employee_id"]),
        *doubts_on_hire(text["hire_date"], hired),
        *doubts_on_pay(text["annual_compensation"]),
        *doubts_on_birth(text["birth_date"], hired),
        ("invalid_level", bool(text["level"]) and level_of(text["level"]) is None),
        *doubts_on_termination(text["termination_date"], hired),
        ("hired_after_start", before(OPENING_DATE, hired)),
        (
            "left_before_start",
            not before(OPENING_DATE, real_day(text["termination_date"]) or NEVER),
        ),
    ]
    return next((reason for reason, holds in doubts if holds), None)


NEVER = date(9999, 1, 1)


def id_of(row: dict[str, str]) -> str:
    return text_of(row)["employee_id"]


def judged_together(rows: list[dict[str, str]]) -> dict[int, str | None]:
    """The reason against each row, by its number, with the other rows of its person."""
    alone = {number: judged(row, others=rows) for number, row in enumerate(rows, start=1)}
    together = dict(alone)
    people: dict[str, dict[int, dict[str, Any]]] = {}
    for number, reason in alone.items():
        row = text_of(rows[number - 1])
        if row["employee_id"] and reason in {None, "hired_after_start", "left_before_start"}:
            people.setdefault(row["employee_id"], {})[number] = {
                "hired": day(row["hire_date"]),
                "left": real_day(row["termination_date"]),
                "pay": money(row["annual_compensation"]),
                "born": real_day(row["birth_date"]),
                "level": level_of(row["level"]),
                "department": row["department"],
            }
    for stints in people.values():
        first: dict[int, dict[str, Any]] = {}
        best = min(
            stints, key=lambda one: (not stints[one]["born"], bool(alone[one]), -stints[one]["pay"])
        )
        for number, stint in stints.items():
            if stint in first.values():
                together[number] = "duplicate_employee_id"
            elif stint["born"] and stint["born"] != stints[best]["born"]:
                together[number] = "another_birth_date"
            else:
                first[number] = stint
        active = [number for number in first if alone[number] is None]
        ended = [number for number in first if alone[number] == "left_before_start"]
        main = max(active, key=lambda one: (stints[one]["pay"], -one), default=None)
        last = max(ended, key=lambda one: (stints[one]["left"], -one), default=None)
        for number in active:
            together[number] = None if number == main else "second_position"
        for number in ended:
            is_last = not active and number == last
            together[number] = "left_before_start" if is_last else "other_stint"
    return together


def doubts_on_identity(employee_id: str) -> list[tuple[str, bool]]:
    reserved = re.fullmatch(r"NH-[0-9]{4}-(.+-)?[0-9]{6,}", employee_id)
    return [
        ("missing_employee_id", not employee_id),
        ("reserved_employee_id", reserved is not None),
    ]


def doubts_on_hire(text: str, hired: date | None) -> list[tuple[str, bool]]:
    return [
        ("missing_hire_date", not text or hired == date(1900, 1, 1)),
        ("unparseable_hire_date", hired is None),
        ("hire_date_before_1900", before(hired, date(1900, 1, 1))),
    ]


def doubts_on_pay(text: str) -> list[tuple[str, bool]]:
    pay = money(text)
    return [
        ("missing_annual_compensation", not text),
        ("unparseable_annual_compensation", pay is None),
        ("negative_annual_compensation", pay is not None and pay < 0),
        ("zero_annual_compensation", pay == 0),
    ]


def doubts_on_birth(text: str, hired: date | None) -> list[tuple[str, bool]]:
    born = real_day(text)
    return [
        ("unparseable_birth_date", bool(text) and day(text) is None),
        ("birth_date_before_1900", before(born, date(1900, 1, 1))),
        ("future_birth_date", before(OPENING_DATE, born)),
        ("birth_date_after_hire", born == hired or before(hired, born)),
    ]


def doubts_on_termination(text: str, hired: date | None) -> list[tuple[str, bool]]:
    left = real_day(text)
    return [
        ("unparseable_termination_date", bool(text) and day(text) is None),
        ("termination_before_hire", before(left, hired)),
    ]


def often(usual: st.SearchStrategy[str], *others: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(usual, usual, usual, usual, usual, *others)


DAYS = st.dates(date(1895, 1, 1), date(2030, 1, 1)).map(date.isoformat)
ODD_DAYS = st.one_of(
    st.text("0123456789-/ .", max_size=11),
    st.sampled_from(["", "infinity", "epoch", "2014-02-30", "14-01-02", "2014-1-2", "\xa0"]),
    DAYS.map(lambda text: f" {text}\t"),
    DAYS.map(lambda text: f"{text} 00:00:00"),
)
PAYS = st.decimals(1, 10**6, places=2).map(str)
ODD_PAYS = st.one_of(
    st.text("0123456789.,$-+ ", max_size=18),
    st.sampled_from(
        ["", "0", "0.00", "-0.004", "0.005", "-1", "-$5", "$-5", "$ 56,000.00", "1.234,56", "56,00"]
    ),
    st.sampled_from(["99999999999999.99", "99999999999999.995", "100000000000000", "1e5", "nan"]),
    st.sampled_from(["56.000", "56.0000", "1056.000", "1,056.000", "٥٦", "56 000", "(5,000)"]),
)
ROWS = st.fixed_dictionaries(
    {
        "employee_id": often(
            st.integers(1, 40).map("E{}".format),
            st.sampled_from(
                [
                    "",
                    " ",
                    "E1 ",
                    "e1",
                    "NH-2025-Sales-000001",
                    "NH-2025-000001",
                    "NH-2025-00001",
                    "NH-1",
                ]
            ),
        ),
        "hire_date": often(st.dates(date(1985, 1, 1), OPENING_DATE).map(str), DAYS, ODD_DAYS),
        "annual_compensation": often(PAYS, ODD_PAYS),
        "birth_date": often(
            st.dates(date(1950, 1, 1), date(1984, 1, 1)).map(str), st.just(""), DAYS, ODD_DAYS
        ),
        "level": often(
            st.integers(1, TOP_LEVEL).map(str),
            st.sampled_from(["", "0", "6", "3.0", "3.5", "-1", "two", "1e0", "99999999999"]),
        ),
        "termination_date": often(st.just(""), DAYS, ODD_DAYS),
        "department": st.sampled_from(["", "Tax", " Law "]),
    }
)


def row_of(**values: str) -> dict[str, str]:
    return {field: values.get(field, "") for field in FIELDS}


# three cells are not the words of a note
WITHOUT_ID = row_of(annual_compensation="1.00", level="two", department="Tax")


@settings(max_examples=100, deadline=None)
@example(rows=[row_of(employee_id="E1", annual_compensation="1.00", level="1"), WITHOUT_ID])
@given(rows=st.lists(ROWS, min_size=1, max_size=60))
def test_every_row_is_counted_once_as_an_independent_implementation_counts_it(
    rows: list[dict[str, str]],
):
    expected = judged_together(rows)
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "census.csv"
        write_census(path, rows)
        read(connection, path)
        verdict = validate(connection, sums_positions=False)
        rejected, set_aside = (
            connection.execute(f"select row_number, reason from raw.{table}").fetchall()
            for table in ("census_rejects", "census_set_aside")
        )
        accepted = connection.execute(
            "select row_number, employee_id, hire_date, annual_compensation, level, department, "
            "termination_date from raw.census_accepted"
        ).fetchall()
    against = dict(rejected) | dict(set_aside)
    assert against == {number: why for number, why in expected.items() if why}
    assert sorted(row[0] for row in [*rejected, *set_aside, *accepted]) == list(expected)
    for number, *values in accepted:
        row = text_of(rows[number - 1])
        assert values == [
            row["employee_id"],
            day(row["hire_date"]),
            money(row["annual_compensation"]),
            level_of(row["level"]),
            row["department"] or None,
            real_day(row["termination_date"]),
        ]
    counted = Counter(why for _, why in set_aside)
    left = counted.pop("left_before_start", 0)
    assert verdict == CensusVerdict(
        census_name="census.csv",
        rows_read=len(rows),
        rows_accepted=len(accepted),
        rows_rejected=len(rejected),
        rows_left_before_start=left,
        rows_without_birth_date=verdict.rows_without_birth_date,
        rows_without_level=sum(row[4] is None for row in accepted),
        reject_share_limit=0.05,
        rows_set_aside=counted.total(),
        rows_leaving_later=sum(row[6] is not None for row in accepted),
        reasons=dict(Counter(why for _, why in rejected)),
        set_aside=dict(counted),
    )
    assert verdict.reject_share == len(rejected) / len(rows)
    assert verdict.within_limit == (verdict.reject_share <= 0.05)
