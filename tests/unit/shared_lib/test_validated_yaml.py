"""A wrong file is answered with file, line, field, value and what is allowed instead."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared_lib.configuration.validated_yaml import ConfigurationError, load_yaml, validate_document


class Slot(BaseModel):
    model_config = ConfigDict(extra="forbid")

    day: Literal["monday", "friday"]
    hour: int = Field(ge=0, lt=24)


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=3)
    slots: list[Slot] = []
    rates: Annotated[float, Field(gt=0)] | dict[int, float] = 1.0

    @model_validator(mode="after")
    def _not_too_many(self) -> "Plan":
        if len(self.slots) > 2:
            message = f"{len(self.slots)} slots, allowed are two"
            raise ValueError(message)
        return self


def refusal(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError) as refused:
        validate_document(load_yaml(path), Plan, path=path)
    return str(refused.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plan.yaml"


def test_a_valid_file_is_read_with_its_anchors_and_comments(path: Path) -> None:
    path.write_text(
        "title: Week  # of the year\n"
        "slots:\n  - &first {day: monday, hour: 9}\n  - {<<: *first, hour: 10}\n"
        "rates: {2025: 0.5}\n"
    )
    plan = validate_document(load_yaml(path), Plan, path=path)
    assert [slot.hour for slot in plan.slots] == [9, 10]
    assert [slot.day for slot in plan.slots] == ["monday", "monday"]
    assert plan.rates == {2025: 0.5}


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        (
            "title: 2026-01-31",
            1,
            "title: the date 2026-01-31 is not allowed, allowed is a text of at least 3 "
            'characters; quote it: "2026-01-31"',
        ),
        (
            "title: 2026",
            1,
            "title: 2026 is not allowed, allowed is a text of at least 3 characters; "
            'quote it: "2026"',
        ),
        ("title: 7", 1, "title: 7 is not allowed, allowed is a text of at least 3 characters"),
        ("title: Wk", 1, "title: 'Wk' is not allowed, allowed is a text of at least 3 characters"),
        ("slots: []", 1, "title: missing, required is a text of at least 3 characters"),
        ("title: Week\nslot: []", 2, "slot: unknown key, allowed is one of: rates, slots, title"),
        ("title: Week\nslots: 3", 2, "slots: 3 is not allowed, allowed is a list of mappings"),
        (
            "title: Week\nslots:\n  - {day: monday, hour: 9}\n  - {day: sunday, hour: 9}",
            4,
            "slots.1.day: 'sunday' is not allowed, allowed is one of: monday, friday",
        ),
        (
            "title: Week\nslots:\n  - day: monday\n    hour: 24",
            4,
            "slots.0.hour: 24 is not allowed, allowed is a whole number from 0 below 24",
        ),
        (
            "title: Week\nslots:\n  - day: monday",
            3,
            "slots.0.hour: missing, required is a whole number from 0 below 24",
        ),
        (
            "title: Week\nrates: none",
            2,
            "rates: 'none' is not allowed, allowed is a number above 0 or a mapping",
        ),
        (
            "title: Week\nrates: {2025: much}",
            2,
            "rates.2025: 'much' is not allowed, allowed is a number",
        ),
        (
            "title: Week\nrates:\n  2025: 1.0\n  soon: 2.0",
            4,
            "rates.soon: 'soon' is not allowed as a key: Input should be a valid integer, "
            "unable to parse string as an integer",
        ),
        (
            "# nothing here\n",
            1,
            "(the whole file): None is not allowed, allowed is a mapping",
        ),
    ],
)
def test_a_mistake_is_named_once_with_its_line(
    text: str, line: int, expected: str, path: Path
) -> None:
    assert refusal(path, text) == f"{path}:{line}: {expected}"


def test_a_rule_between_fields_speaks_for_itself(path: Path) -> None:
    slot = "  - {day: monday, hour: 9}\n"
    assert refusal(path, f"title: Week\nslots:\n{slot * 3}") == (
        f"{path}:1: (the whole file): 3 slots, allowed are two"
    )


def test_every_mistake_has_a_line_of_its_own(path: Path) -> None:
    assert refusal(
        path, "title: 7\nslots:\n  - {day: monday, hour: x}\nnote: here"
    ).splitlines() == [
        f"{path}:1: title: 7 is not allowed, allowed is a text of at least 3 characters",
        f"{path}:3: slots.0.hour: 'x' is not allowed, allowed is a whole number from 0 below 24",
        f"{path}:4: note: unknown key, allowed is one of: rates, slots, title",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title: Week\nslots: [\n", ":3: "),
        ("title: Week\n\trates: 1\n", ":2: found character '\\t' that cannot start any token"),
        ("title: Week\ntitle: Day\n", ':2: found duplicate key "title"'),
        ("title: *week\n", ":1: found undefined alias 'week'"),
        ("title: Week\n---\ntitle: Day\n", ":2: but found another document"),
        ("title: We\0ek\n", ": not YAML in UTF-8: unacceptable character #x0000"),
        (b"title: W\xfccke\n", ": not YAML in UTF-8: 'utf-8' codec can't decode byte 0xfc"),
    ],
)
def test_invalid_yaml_is_refused_with_its_line(
    text: str | bytes, expected: str, path: Path
) -> None:
    assert refusal(path, text).startswith(f"{path}{expected}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for absent in (tmp_path / "gone.yaml", tmp_path):
        with pytest.raises(ConfigurationError) as refused:
            load_yaml(absent)
        assert str(refused.value) == f"{absent}: no such file"
