"""The reference has every field, also where a field allows two models."""

from pydantic import BaseModel, Field

from shared_lib.configuration.documents import reference_page


class Square(BaseModel):
    side: int = Field(description="Of all four.")


class Circle(BaseModel):
    radius: int = Field(description="From the middle.")


class Drawing(BaseModel):
    shapes: dict[str, Square | Circle]


def test_models_in_one_place_have_a_section_each() -> None:
    page = reference_page(Drawing, title="Drawings", introduction="")
    sections = {part.partition("\n")[0]: part for part in page.split("\n## ")}
    assert "`side`" in sections["shapes.<name> (Square)"]
    assert "`radius`" in sections["shapes.<name> (Circle)"]
