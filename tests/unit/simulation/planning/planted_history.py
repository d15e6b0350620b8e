"""Yearly censuses of an invented company, with planted leaving, raises and growth."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DEPARTMENTS = {"Care": 2.0, "Desk": 1.0, "Yard": 0.5}
RAISE, GROWTH = 0.04, 0.05


def years_of(
    size: int,
    *,
    rate: float,
    years: int = 2,
    levels: bool = False,
    ages: bool = False,
    seed: int = 1,
) -> Iterator[pd.DataFrame]:
    """Censuses of 31 December 2020 and later, with planted leaving, raises and growth."""
    random = np.random.default_rng(seed)
    left_out = [name for name, kept in (("level", levels), ("born", ages)) if not kept]

    def hired(first: int, number: int, year: int) -> pd.DataFrame:
        start = pd.Timestamp(f"{year}-12-31")
        days = random.integers(0, 365 if first else 9000, number)
        return pd.DataFrame(
            {
                "id": [f"P{first + position:06}" for position in range(number)],
                "hired": [(start - pd.Timedelta(days=int(day))).date() for day in days],
                "born": [
                    (start - pd.Timedelta(days=9000 + 9000 + 131 * (position % 80))).date()
                    for position in range(number)
                ],
                "salary": np.round(random.lognormal(11, 0.3, number), 2),
                "department": random.choice(list(DEPARTMENTS), number),
                "level": random.integers(1, 4, number),
            }
        )

    people: Any = hired(0, size, 2020)
    known = size
    for year in range(2020, 2020 + years):
        yield people[people.columns.drop(left_out)]
        chance = 1 - np.exp(-rate * people.department.map(DEPARTMENTS))
        stay = people[random.random(len(people)) > chance].copy()
        stay["salary"] = (stay.salary * (1 + RAISE)).round(2)
        stay["level"] += (random.random(len(stay)) < 0.1) & (stay.level < 5)
        joining = round(len(people) * (1 + GROWTH)) - len(stay)
        people = pd.concat([stay, hired(known, joining, year + 1)])
        known += joining


def written(folder: Path, **planted: Any) -> list[Path]:
    """Write the censuses into a folder, and return the files."""
    paths = []
    for year, people in enumerate(years_of(**planted), start=2020):
        paths.append(folder / f"staff_{year}.csv")
        people.to_csv(paths[-1], index=False)
    return paths
