"""The section ``hiring``: who is hired, and for how much."""

from pydantic import Field, model_validator

from simulation.config.fields import (
    BY_JOB_FAMILY,
    MILLIONTHS,
    Factor,
    Level,
    Name,
    Share,
    Strict,
)


class LevelShare(Strict):
    """One level's share of the hires."""

    level: Level = Field(description="Job level, as in the seed job_levels.")
    share: Share = Field(description="Share of all hires.")


class Hiring(Strict):
    """Who is hired, and for how much."""

    pay_percentile: Share = Field(
        description=(
            "Where in the level's pay band hires start on average, where the census has too few "
            "recent joiners to draw their pay from: 0 its bottom, 1 its top."
        )
    )
    pay_percentile_by_level: dict[Level, Share] = Field(
        default={}, description="The same for single levels, by level."
    )
    pay_spread: Share = Field(
        description="Pay is uniform within this distance of the percentile, cut at the band's ends."
    )
    recent_joiner_years: int = Field(
        ge=1,
        le=50,
        description="Recent joiners are those who joined within this many years before the start.",
    )
    minimum_recent_joiners: int = Field(
        ge=1,
        description=(
            "The smallest number of recent joiners from which departments, levels and, for one "
            "level and department or one level, the pay of hires are drawn. With fewer, "
            "departments and levels are those of the whole census, and pay is within the band."
        ),
    )
    hiring_by_department: dict[Name, Factor] = Field(
        default={},
        description=(
            "Factor of the share of the hires that join a department, by its name in the census; a "
            "department that is not named has 1. Only ratios count: how many are hired follows "
            "from growth and leaving."
        ),
    )
    hiring_by_job_family: dict[Name, Factor | dict[Name, Factor]] = Field(
        default={},
        description=(
            "Factor of the share of a job family among the hires of a department and level, by its "
            f"name in the census: {BY_JOB_FAMILY}. A family that is not named has 1. Only ratios "
            "count, and hires change nothing but their family."
        ),
    )
    level_mix: tuple[LevelShare, ...] = Field(
        default=(),
        strict=False,  # a list becomes a tuple
        description="Share of each level among hires; empty: the mix of the workforce.",
    )

    @model_validator(mode="after")
    def _whole(self) -> "Hiring":
        total = sum(round(entry.share * MILLIONTHS) for entry in self.level_mix)
        if self.level_mix and total != MILLIONTHS:
            message = f"the shares of level_mix add up to {total / MILLIONTHS}, allowed is 1"
            raise ValueError(message)
        levels = [entry.level for entry in self.level_mix]
        if len(set(levels)) != len(levels):
            message = f"level_mix names a level twice: {sorted(levels)}, allowed is each once"
            raise ValueError(message)
        return self
