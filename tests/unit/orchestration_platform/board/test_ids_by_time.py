"""The first id since a moment, in tables whose ids have gaps and whose times repeat."""

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from orchestration_platform.board.ids_by_time import first_id_since

ROWS = sa.Table("rows", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True),
                sa.Column("at", sa.Float))  # fmt: skip
STEPS = st.tuples(st.integers(1, 9), st.integers(0, 3))


@given(steps=st.lists(STEPS, max_size=30), moment=st.integers(0, 60))
def test_it_is_that_of_a_search_row_by_row(steps: list[tuple[int, int]], moment: int) -> None:
    number, at, rows = 0, 0.0, []
    for gap, later in steps:
        number, at = number + gap, at + later
        rows.append({"id": number, "at": at})
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        ROWS.create(connection)
        if rows:
            connection.execute(ROWS.insert(), rows)
        first = first_id_since(connection, ROWS.c.id, ROWS.c.at, float(moment))
    engine.dispose()
    assert {row["id"] for row in rows if row["id"] >= first} == {
        row["id"] for row in rows if row["at"] >= moment
    }
