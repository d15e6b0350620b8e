"""Tables of a scenario that replace the dbt seeds of the same name, with the same columns.

The age and tenure bands and the number and names of the levels are those of the seeds in every
scenario, so that results of scenarios compare band by band and level by level.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from shared_lib.dbt.project import PROJECT_DIRECTORY
from simulation.census.levels import pay_bands
from simulation.config.fields import MILLIONTHS, Level, Share, Strict, in_millionths

_LEAST_AGE, _GREATEST_AGE = 14, 99
_KEYS = {"level": "job_levels", "age_band": "age_bands", "tenure_band": "tenure_bands"}


@cache
def seed_rows(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a dbt seed, as text."""
    path = PROJECT_DIRECTORY / "seeds" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(lines))


def _known(column: str) -> list[str]:
    return [row[column] for row in seed_rows(_KEYS[column])]


def _in_seed(column: str) -> AfterValidator:
    """Return a validator of keys: allowed are those of the seed that lists them."""

    def check(value: Any) -> Any:
        known = _known(column)
        if str(value) not in known:
            nearest = get_close_matches(str(value), known, n=1, cutoff=0.5)
            message = (
                f"{value!r} is not in the seed {_KEYS[column]}, allowed is one of: "
                f"{', '.join(known)}" + (f"; did you mean {nearest[0]!r}?" if nearest else "")
            )
            raise ValueError(message)
        return value

    return AfterValidator(check)


Multiplier = Annotated[float, Field(gt=0, le=1000)]
AgeBand = Annotated[str, _in_seed("age_band")]
TenureBand = Annotated[str, _in_seed("tenure_band")]
KnownLevel = Annotated[Level, _in_seed("level")]
Pay = Annotated[float, Field(gt=0, lt=1e12)]


class JobLevel(Strict):
    """Pay band of a level."""

    level: KnownLevel = Field(description="Job level, as in the seed job_levels.")
    level_name: str = Field(description="Its name, the same as in the seed.")
    min_compensation: Pay = Field(description="Lower end of the pay band, included.")
    max_compensation: Pay = Field(description="Upper end of the pay band, not included.")


class MeritRate(Strict):
    """Merit raise of a level."""

    level: KnownLevel = Field(description="Job level, as in the seed job_levels.")
    merit_rate: Annotated[float, Field(gt=0, le=1), AfterValidator(in_millionths)] = Field(
        description="Raise as a share of pay before it is scaled; only the ratios count."
    )


class HireAge(Strict):
    """How many hires are of an age."""

    age: int = Field(ge=_LEAST_AGE, le=_GREATEST_AGE, description="Age at hire in completed years.")
    share: Annotated[Share, AfterValidator(in_millionths)] = Field(
        description="Share of hires of that age; all together are 1."
    )


class AgeHazard(Strict):
    """Hazard of an age band."""

    age_band: AgeBand = Field(description="Age band, as in the seed age_bands.")
    multiplier: Multiplier = Field(description="Factor of the chance; 1 is neutral.")


class TenureHazard(Strict):
    """Hazard of a tenure band."""

    tenure_band: TenureBand = Field(description="Tenure band, as in the seed tenure_bands.")
    multiplier: Multiplier = Field(description="Factor of the chance; 1 is neutral.")


class LevelHazard(Strict):
    """Hazard of leaving of a level."""

    level: KnownLevel = Field(description="Job level at entry, as in the seed job_levels.")
    multiplier: Multiplier = Field(description="Factor of the chance; 1 is neutral.")


class PromotionHazard(Strict):
    """Hazard of promotion of a level."""

    level: KnownLevel = Field(description="Job level, as in the seed job_levels.")
    multiplier: float = Field(
        ge=0, le=1000, description="Factor of promotion_rate; 0 at the top level and only there."
    )


def _rows(description: str) -> Any:
    return Field(default=(), strict=False, description=f"{description}; empty: the seed's.")


class Tables(Strict):
    """Each replaces the seed of its name as a whole, for the scenarios that have it."""

    job_levels: tuple[JobLevel, ...] = _rows("Pay bands of the levels")
    merit_rates: tuple[MeritRate, ...] = _rows("Merit raises by level")
    new_hire_ages: tuple[HireAge, ...] = _rows("Ages of hires")
    termination_hazard_by_age: tuple[AgeHazard, ...] = _rows("Leaving by age band")
    termination_hazard_by_tenure: tuple[TenureHazard, ...] = _rows("Leaving by tenure band")
    termination_hazard_by_level: tuple[LevelHazard, ...] = _rows("Leaving by level")
    promotion_hazard_by_age: tuple[AgeHazard, ...] = _rows("Promotion by age band")
    promotion_hazard_by_tenure: tuple[TenureHazard, ...] = _rows("Promotion by tenure band")
    promotion_hazard_by_level: tuple[PromotionHazard, ...] = _rows("Promotion by level")

    @field_validator("*")
    @classmethod
    def _each_key_once(cls, rows: tuple[Strict, ...]) -> tuple[Strict, ...]:
        if not rows:
            return rows
        key = key_of(rows[0])
        found = Counter(str(getattr(row, key)) for row in rows)
        twice = [name for name, times in found.items() if times > 1]
        if twice:
            message = f"{key} {', '.join(twice)} is there more than once, allowed is each once"
            raise ValueError(message)
        missing = [name for name in _known(key) if name not in found] if key in _KEYS else []
        if missing:
            message = f"no row for {key} {', '.join(missing)}, required is one for each"
            raise ValueError(message)
        return rows

    @field_validator("job_levels")
    @classmethod
    def _bands_ascend(cls, rows: tuple[JobLevel, ...]) -> tuple[JobLevel, ...]:
        names = {int(row["level"]): row["level_name"] for row in seed_rows("job_levels")}
        below = (0.0, 0.0)
        for row in sorted(rows, key=lambda row: row.level):
            band = (row.min_compensation, row.max_compensation)
            if row.level_name != names[row.level]:
                message = (
                    f"level {row.level} is named {row.level_name!r}, allowed is its name in the "
                    f"seed, {names[row.level]!r}"
                )
                raise ValueError(message)
            if band[0] >= band[1] or band[0] <= below[0] or band[1] <= below[1]:
                message = (
                    f"level {row.level} is paid {band[0]:,.0f} to {band[1]:,.0f}, allowed is a "
                    "band that ends above its start, both ends above those of the level below, "
                    f"{below[0]:,.0f} to {below[1]:,.0f}"
                )
                raise ValueError(message)
            below = band
        return rows

    @field_validator("new_hire_ages")
    @classmethod
    def _shares_are_whole(cls, rows: tuple[HireAge, ...]) -> tuple[HireAge, ...]:
        total = sum(round(row.share * MILLIONTHS) for row in rows)
        if rows and total != MILLIONTHS:
            message = f"the shares add up to {total / MILLIONTHS}, allowed is 1"
            raise ValueError(message)
        return rows

    @field_validator("promotion_hazard_by_level")
    @classmethod
    def _none_from_the_top(cls, rows: tuple[PromotionHazard, ...]) -> tuple[PromotionHazard, ...]:
        top = max((row.level for row in rows), default=0)
        for row in rows:
            if (row.multiplier == 0) != (row.level == top):
                message = (
                    f"level {row.level} has the multiplier {row.multiplier}, allowed is 0 at the "
                    f"top level {top} and above 0 below it"
                )
                raise ValueError(message)
        return rows

    def pay_bands(self) -> dict[int, tuple[float, float]]:
        """Return the lowest and the highest annual pay of each level, the lowest level first."""
        bands = (
            {row.level: (row.min_compensation, row.max_compensation) for row in self.job_levels}
            if self.job_levels
            else pay_bands()
        )
        return dict(sorted(bands.items()))

    def rates(self) -> Iterator[tuple[str, str, float]]:
        """Yield table, key and rate of every row but those of job_levels, which have a band."""
        for table, rows in self:
            for row in rows if table != "job_levels" else ():
                key, rate = row.model_dump().values()
                yield table, str(key), rate


def key_of(row: Strict) -> str:
    """Return the column by which the rows of the table are known: its first."""
    return next(iter(type(row).model_fields))
