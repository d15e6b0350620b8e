"""Monthly budgets per tag, from a YAML file."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic import field_validator as validator

from gocardless.extraction.reading.currencies import CURRENCIES
from shared_lib.configuration.validated_yaml import (
    ConfigurationError,
    file_of,
    load_yaml,
    validate_document,
)

BUDGETS_VARIABLE = "GOCARDLESS_BUDGETS"
PACKAGED_BUDGETS = Path(__file__).with_name("budgets.yaml")


class Budget(BaseModel):
    """The budget of a tag for a calendar month."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tag: str = Field(min_length=1, description="A tag, or untagged.")
    currency: str = Field(description="ISO 4217; only transactions in it count.")
    monthly: Decimal = Field(gt=0, description="The budget for a month.")
    thresholds: list[Annotated[int, Field(ge=1, le=1000)]] = Field(
        default=[80, 100], min_length=1, description="Percentages of the budget at which to notify."
    )

    @validator("currency")
    @classmethod
    def _is_currency(cls, value: str) -> str:
        if value not in CURRENCIES:
            raise ValueError(f"{value!r} is not a currency of ISO 4217")
        return value


class _BudgetFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    budgets: list[Budget] = Field(description="At most one for each tag and currency.")


def budgets_path() -> Path:
    """Return the path of the budgets: ``GOCARDLESS_BUDGETS``, by default the packaged file.

    Raises:
        ConfigurationError: the variable names a file that does not exist.
    """
    return file_of(BUDGETS_VARIABLE, otherwise=PACKAGED_BUDGETS)


def load_budgets(path: Path) -> list[Budget]:
    """Return the budgets of a YAML file.

    Raises:
        ConfigurationError: lists all problems with file, line and field.
    """
    document = load_yaml(path)
    found = validate_document(document or {}, _BudgetFile, path=path).budgets
    seen: set[tuple[str, str]] = set()
    for position, budget in enumerate(found):
        if (budget.tag, budget.currency) in seen:
            line = document["budgets"].lc.item(position)[0] + 1
            message = (
                f"{path}:{line}: budgets.{position}.tag: {budget.tag!r} has two budgets in "
                f"{budget.currency}, allowed is one"
            )
            raise ConfigurationError(message)
        seen.add((budget.tag, budget.currency))
    return found
