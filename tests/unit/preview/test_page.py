"""What may be in a pull request, and how it is written there."""

import pytest
from preview.making import Preview
from preview.models import ModelChange
from preview.page import in_code, in_short, markdown_of, page_of, public_failure
from preview.trees import Base


def model(failure: str, *, may_show_rows: bool = False) -> ModelChange:
    return ModelChange(
        name="fct_people",
        location="simulation",
        what="changed",
        reasons=("SQL or rows",),
        difference=None,
        failure=failure,
        may_show_rows=may_show_rows,
    )


@pytest.mark.parametrize(
    ("failure", "shown"),
    [
        ("working tree: Binder Error: no column pya", True),
        ("working tree: skipped, because what it is made of was not built", True),
        ("working tree: Conversion Error: Could not convert string 'Anna' to INT32", False),
        ("base: Runtime Error in model: year 2025 needs 10 employees", False),
    ],
)
def test_a_message_with_a_value_of_a_row_is_on_the_page_alone(failure: str, *, shown: bool) -> None:
    preview = Preview(base=Base(ref="main", commit="0" * 40), files=["x"], models=[model(failure)])
    assert failure.replace("'", "&#39;") in page_of(preview)
    assert (in_code(failure) in markdown_of(preview)) is shown
    assert public_failure(model(failure, may_show_rows=True)) == failure


def test_a_value_marks_nothing_and_mentions_nobody_in_markdown() -> None:
    assert in_code("a | `b`\n@team") == "`a \\| 'b' @team`"
    assert in_code("x" * 200) == f"`{'x' * 119}…`"
    assert in_code("") == ""


def test_what_differs_in_one_line() -> None:
    base = Base(ref="main", commit="0" * 40)
    assert in_short(Preview(base=base, files=[])) == "Nothing differs"
    assert in_short(Preview(base=base, files=["README.md"])) == (
        "1 file differs, no definition does"
    )
    assert in_short(Preview(base=base, files=["x"], models=[model("")])) == "1 dbt model"
