"""How two relations differ."""

from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from preview.rows import Difference, compare_relation

Compare = Callable[..., Difference]


@pytest.fixture
def compared() -> Compare:
    """Compares two queries."""

    def compare(base: str, new: str, **options: Any) -> Difference:
        with duckdb.connect() as connection:
            connection.execute(f"create view base as {base}; create view new as {new}")
            return compare_relation(connection, "base", "new", **{"with_samples": True, **options})

    return compare


PAID = """
    select *
    from (values ('a', 1.5::double, 'x'), ('b', 2, 'y'), ('c', 3, 'z')) as t(id, pay, note)
"""


def test_equal_relations_do_not_differ(compared: Compare) -> None:
    found = compared(PAID, f"{PAID} order by id desc")
    assert found.is_none
    assert (found.base_rows, found.new_rows, found.key) == (3, 3, ("id",))


def test_rows_are_matched_by_key_and_values_counted_by_column(compared: Compare) -> None:
    changed = (
        "select * from (values ('a', 1.5::double, 'x'), ('b', 7, null), ('d', 4, 'w')) "
        "as t(id, pay, note)"
    )
    found = compared(PAID, changed, keys=[["id"]])
    assert (found.only_base, found.only_new, found.changed) == (1, 1, 1)
    assert found.changed_values == {"pay": 1, "note": 1}
    assert [(one.what, one.values) for one in found.samples] == [
        ("changed", {"id": "b", "pay": "2.0 → 7.0", "note": "y → null"}),
        ("only in the working tree", {"id": "d", "pay": "4.0", "note": "w"}),
        ("only in the base", {"id": "c", "pay": "3.0", "note": "z"}),
    ]


def test_a_key_that_does_not_identify_rows_in_both_is_passed_over(compared: Compare) -> None:
    twice = f"{PAID} union all select 'a', 9, 'x'"
    found = compared(PAID, twice, keys=[["id"]])
    assert found.key == ()
    assert (found.only_base, found.only_new, found.changed) == (0, 1, 0)


def test_without_key_equal_rows_count_as_often_as_they_are_there(compared: Compare) -> None:
    found = compared(
        "select unnest([1.5::double, 1.5, 2]) as pay", "select unnest([1.5::double, 2, 2]) as pay"
    )
    assert (found.only_base, found.only_new) == (1, 1)
    assert [one.values for one in found.samples] == [{"pay": "2.0"}, {"pay": "1.5"}]


def test_columns_that_came_went_or_have_another_type(compared: Compare) -> None:
    found = compared(
        "select 'a' as id, 1 as years, 'x' as note",
        "select 'a' as id, 1::bigint as years, 2 as level",
    )
    assert found.added == {"level": "INTEGER"}
    assert found.removed == {"note": "VARCHAR"}
    assert found.retyped == {"years": ("INTEGER", "BIGINT")}
    assert (found.changed, found.is_none) == (0, False)


def test_the_last_digits_of_a_sum_do_not_count(compared: Compare) -> None:
    nearly = "select 'a' as id, 0.1::double + 0.2::double as pay"
    assert compared("select 'a' as id, 0.3::double as pay", nearly).is_none
    assert not compared("select 'a' as id, 0.3001::double as pay", nearly).is_none
    assert not compared("select 'a' as id, null::double as pay", nearly).is_none


def test_null_in_a_key_matches_null(compared: Compare) -> None:
    keyed = "select * from (values (null, 'x', {}), ('b', 'y', 2.5)) as t(a, b, pay)"
    found = compared(keyed.format(1.5), keyed.format(3.5), keys=[["a", "b"]])
    assert (found.only_base, found.only_new, found.changed) == (0, 0, 1)


def test_one_that_only_one_tree_has() -> None:
    with duckdb.connect() as connection:
        connection.execute("create view new as select 1 as id")
        came = compare_relation(connection, None, "new", with_samples=False)
        went = compare_relation(connection, "new", None, with_samples=False)
    assert (came.base_rows, came.new_rows, came.has_both) == (None, 1, False)
    assert (went.base_rows, went.new_rows, went.has_both) == (1, None, False)


def test_rows_that_may_not_be_shown_are_not_read(compared: Compare) -> None:
    found = compared(PAID, f"{PAID} where id = 'a'", with_samples=False)
    assert (found.only_base, found.samples) == (2, [])
