"""Names that a header repeats: which column is meant is never left to chance."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulation.census.columns.mapping import CensusError, CensusField, CensusMapping

# What programs append to the second of two equal names, as in ``salary.1``, ``Salary_2``.
_NUMBERED = re.compile(r"(.*\D)[\s_.(-]*\d+\)?")


def distinguished(
    header: Sequence[str],
    positions: Mapping[CensusField, int],
    *,
    mapping: CensusMapping | None,
    path: Path,
) -> list[str]:
    """Return in sentences which of several columns of one name a stated mapping chooses.

    Names are the same whatever their case and the blanks, points, dashes and underscores in them;
    only a mapping that has the name of one column exactly chooses between two.

    Raises:
        CensusError: a column that is taken has a name that the header repeats.
    """
    sentences = []
    for field, position in positions.items():
        twins = [
            other
            for other, name in enumerate(header)
            if other != position and _plain(name) == _plain(header[position])
        ]
        if not twins:
            continue
        taken = _described(header, position)
        others = " and ".join(_described(header, twin) for twin in twins)
        exact = mapping is not None and mapping.columns.get(field) == header[position]
        if not exact or any(header[twin] == header[position] for twin in twins):
            first, *rest = (_described(header, each) for each in sorted([position, *twins]))
            raise CensusError(
                f"{path}: the header has the same name in {' and '.join([first, *rest])}, and "
                f"each may be {field}. Rename one of them"
                + (
                    ""
                    if any(header[twin] == header[position] for twin in twins)
                    else ", or state in a mapping the exact name of the one to take"
                )
            )
        sentences.append(f"{taken} is {field}, {others} is not used")
    return sentences


def numbered_again(header: Sequence[str], positions: Mapping[CensusField, int]) -> dict[int, str]:
    """Return what is another column of a name that is taken, such as ``salary.1``, by position."""
    names = {_plain(header[position]): header[position] for position in positions.values()}
    return {
        position: f"another {names[base]}"
        for position, name in enumerate(header)
        if position not in positions.values()
        and (numbered := _NUMBERED.fullmatch(name.strip()))
        and (base := _plain(numbered[1].rstrip("("))) in names
    }


def _described(header: Sequence[str], position: int) -> str:
    return f"{header[position]!r} (column {position + 1})"


def _plain(name: str) -> str:
    return re.sub(r"[\s_.\-]", "", name).casefold()
