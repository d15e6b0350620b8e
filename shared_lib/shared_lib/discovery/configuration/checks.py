"""``checks``: asset checks from :mod:`shared_lib.checks`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared_lib.configuration.section import Section
from shared_lib.discovery.configuration.section import MOST_MINUTES


class CheckBase(Section):
    """Fields of all checks."""

    asset: str = Field(description="The asset's key, with slashes.")
    severity: Literal["warn", "error"] = Field(
        default="error", description="Severity of a failure."
    )
    blocking: bool = Field(default=False, description="Whether a failure blocks downstream assets.")
    description: str | None = Field(default=None, description="Description in the UI.")


class RelationCheck(CheckBase):
    """A check that queries the location's warehouse."""

    relation: str = Field(
        pattern=r"^[A-Za-z_]\w*\.[A-Za-z_]\w*$", description="schema.table in the warehouse."
    )


class NonEmpty(RelationCheck):
    """The relation has rows."""

    type: Literal["non_empty"]


class RowCount(RelationCheck):
    """The number of rows lies within bounds."""

    type: Literal["row_count"]
    minimum: int | None = Field(default=None, ge=0, description="Minimum number of rows.")
    maximum: int | None = Field(default=None, ge=0, description="Maximum number of rows.")

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.minimum is None and self.maximum is None:
            raise ValueError("allowed is minimum, maximum or both")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self


class RowCountAnomaly(CheckBase):
    """The last row count is close to the asset's earlier ones."""

    type: Literal["row_count_anomaly"]
    minimum_runs: int = Field(
        default=7, ge=3, description="Earlier materialisations that the check needs."
    )
    history: int = Field(
        default=30, ge=3, description="How many earlier materialisations it compares."
    )
    deviations: float = Field(default=5, gt=0, description="Allowed median absolute deviations.")


class SchemaChange(CheckBase):
    """Columns and types are the same as in the previous materialisation."""

    type: Literal["schema_change"]


class FreshnessCheck(CheckBase):
    """The asset was made within this time before now."""

    type: Literal["freshness"]
    max_age_minutes: float = Field(
        gt=0, le=MOST_MINUTES, description="Maximum minutes since the last materialisation."
    )


class Unique(RelationCheck):
    """No two rows have the same values in these columns."""

    type: Literal["unique"]
    columns: list[str] = Field(min_length=1, description="The columns, compared together.")


class SqlExpression(RelationCheck):
    """An SQL condition holds for every row."""

    type: Literal["sql"]
    expression: str = Field(min_length=1, description="True for every valid row.")


Check = Annotated[
    NonEmpty | RowCount | RowCountAnomaly | SchemaChange | FreshnessCheck | Unique | SqlExpression,
    Field(discriminator="type"),
]
