"""The reference has every field once, also where a field allows two models."""

from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from shared_lib.configuration.documents import MARK, Reference


class Square(BaseModel):
    """Four sides."""

    side: int = Field(description="Of all four.")
    filled: bool = Field(default=False, description="Whether it has a colour.")


class Circle(BaseModel):
    radius: int = Field(description="From the middle.")


class Drawing(BaseModel):
    shapes: dict[str, Square | Circle]
    frames: list[Square]
    signature: Circle | None = None


def sections(path: Path, *only: str) -> dict[str, str]:
    path.write_text(f"# Drawings\n\nAn example.\n\n{MARK}\n\nwhat was generated before\n")
    reference = Reference(path, Drawing, only)
    reference.write()
    assert path.read_text() == reference.text()
    written, _, generated = path.read_text().partition(MARK)
    assert written == "# Drawings\n\nAn example.\n\n"
    return {part.partition("\n")[0]: part for part in generated.split("\n## ")[1:]}


def test_models_in_one_place_have_a_section_each(tmp_path: Path) -> None:
    found = sections(tmp_path / "drawings.md")
    assert "`side`" in found["`shapes.<name>` (Square)"]
    assert "`radius`" in found["`shapes.<name>` (Circle)"]


def test_fields_that_another_place_has_shown_are_named_and_not_repeated(tmp_path: Path) -> None:
    found = sections(tmp_path / "drawings.md")
    assert "The same fields as `shapes.<name>` (Square)." in found["`frames.<each>`"]
    assert "`side`" not in found["`frames.<each>`"]


def test_a_page_may_have_some_sections_only(tmp_path: Path) -> None:
    assert list(sections(tmp_path / "drawings.md", "", "frames")) == [
        "Top level", "`frames.<each>`",
    ]  # fmt: skip


def test_a_default_is_written_as_in_yaml(tmp_path: Path) -> None:
    found = sections(tmp_path / "drawings.md")
    assert "| `filled` | true or false | `false` |" in found["`shapes.<name>` (Square)"]
    assert "| `signature` | a mapping or nothing | none |" in found["Top level"]


def test_a_page_that_has_lost_the_mark_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "drawings.md"
    path.write_text("# Drawings\n")
    with pytest.raises(ValueError, match="the line that ends the written part is missing"):
        Reference(path, Drawing).write()
