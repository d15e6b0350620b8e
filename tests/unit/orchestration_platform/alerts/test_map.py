"""Every place that the map in ``alerts/__init__.py`` names exists."""

import re
from pathlib import Path

import pytest

from orchestration_platform import alerts

ROOMS = Path(alerts.__file__).parent
# a place is named from the alerts, or with its location
SEARCHED = (ROOMS, ROOMS.parents[1])
PLACES = sorted(set(re.findall(r"``([\w.]+)``", alerts.__doc__ or "")))


def source_of(parts: list[str]) -> str | None:
    """The text of a module or package; None if it does not exist."""
    for folder in SEARCHED:
        path = folder.joinpath(*parts)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file.read_text(encoding="utf-8")
    return None


@pytest.mark.parametrize("place", PLACES)
def test_the_map_leads_to_something(place: str) -> None:
    *module, name = place.split(".")
    if source_of([*module, name]) is not None:
        return
    text = source_of(module) if module else None
    assert text is not None, f"there is no module {place}"
    assert re.search(rf"^(def |class )?{name}\b", text, re.MULTILINE), f"{place} is not defined"


def test_the_map_has_every_room() -> None:
    listed = set(re.findall(r"^(\w+)  +\S", alerts.__doc__ or "", re.MULTILINE)) - {"room"}
    assert listed == {path.parent.name for path in ROOMS.glob("*/__init__.py")}


def test_the_map_is_read() -> None:
    assert {"run_pass.STAGES", "policies.quiet_hours.hold_of"} <= set(PLACES)
