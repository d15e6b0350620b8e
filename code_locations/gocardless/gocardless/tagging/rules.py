"""Tag rules, from a YAML file and from the table ``unified.tag_rules``."""

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import duckdb
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic import field_validator as validator

from shared_lib.configuration.validated_yaml import (
    ConfigurationError,
    file_of,
    load_yaml,
    validate_document,
)
from shared_lib.warehouse.connection import open_memory

RULES_VARIABLE = "GOCARDLESS_TAG_RULES"
PACKAGED_RULES = Path(__file__).with_name("tag_rules.yaml")

UNTAGGED = "untagged"
"""The marts' name for transactions without a tag; no rule may use it."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_TagName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
DETAILS = (
    "merchant_category",
    "counterparty_iban",
    "end_to_end_id",
    "mandate_id",
    "original_currency",
)
"""Conditions that are the value of the column of their name, ignoring case and spaces."""
_CONDITIONS = ("description", "counterparty", "amount_from", "amount_to", "account", *DETAILS)


class Rule(BaseModel):
    """A tag and the conditions for it; a transaction must meet every condition of the rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name = Field(description="Name of the rule, unique within its source.")
    tag: _TagName = Field(description="Tag of matching transactions.")
    description: Name | None = Field(
        default=None, description="RE2 expression to find in the description, ignoring case."
    )
    counterparty: Name | None = Field(
        default=None, description="The counterparty's name, ignoring case and outer spaces."
    )
    amount_from: Decimal | None = Field(default=None, description="Minimum amount, signed.")
    amount_to: Decimal | None = Field(default=None, description="Maximum amount, signed.")
    account: Name | None = Field(default=None, description="The account's id or IBAN.")
    merchant_category: Name | None = Field(default=None, description="ISO 18245, as 5411.")
    counterparty_iban: Name | None = Field(default=None, description="The IBAN at the other end.")
    end_to_end_id: Name | None = Field(default=None, description="The sender's reference.")
    mandate_id: Name | None = Field(default=None, description="That of the direct debit.")
    original_currency: Name | None = Field(
        default=None, description="The currency paid in, where it is not the account's."
    )

    @validator(*DETAILS, mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        # YAML reads 5411 as a number, and 0742 as one that has lost its zero
        if isinstance(value, int):
            raise ValueError(f"write it in quotes: {str(value)!r}")  # noqa: TRY004 - for pydantic
        return value

    @validator("description")
    @classmethod
    def _is_expression(cls, value: str | None) -> str | None:
        if value is not None:
            check_expression(value)
        return value

    @validator("tag")
    @classmethod
    def _is_free(cls, value: str) -> str:
        if value == UNTAGGED:
            raise ValueError(
                f"{UNTAGGED!r} is reserved: the marts use it for transactions without a tag"
            )
        return value

    @model_validator(mode="after")
    def _has_conditions(self) -> Self:
        if all(getattr(self, name) is None for name in _CONDITIONS):
            raise ValueError(f"it matches everything: set one of {', '.join(_CONDITIONS)}")
        if (
            self.amount_from is not None
            and self.amount_to is not None
            and self.amount_from > self.amount_to
        ):
            raise ValueError(f"amount_from {self.amount_from} is above amount_to {self.amount_to}")
        return self


class SourcedRule(Rule):
    """A rule and its source."""

    source: Literal["file", "table"]


class _RuleFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rules: list[Rule] = Field(description="The rules; the first that matches applies.")


class TagRuleError(ConfigurationError):
    """A rule in the table is invalid; the text explains which one and why."""


def rules_path() -> Path:
    """Return the path of the rules: ``GOCARDLESS_TAG_RULES``, by default the packaged file.

    Raises:
        ConfigurationError: the variable names a file that does not exist.
    """
    return file_of(RULES_VARIABLE, otherwise=PACKAGED_RULES)


def load_rules(path: Path) -> list[SourcedRule]:
    """Return the rules of a YAML file, in their order.

    Raises:
        ConfigurationError: lists all problems with file, line and field.
    """
    document = load_yaml(path)
    found = validate_document(document or {}, _RuleFile, path=path).rules
    seen: set[str] = set()
    for position, rule in enumerate(found):
        if rule.name in seen:
            line = document["rules"].lc.item(position)[0] + 1
            message = f"{path}:{line}: rules.{position}.name: {rule.name!r} occurs twice"
            raise ConfigurationError(message)
        seen.add(rule.name)
    return [SourcedRule(**rule.model_dump(), source="file") for rule in found]


def read_table_rules(connection: duckdb.DuckDBPyConnection) -> list[SourcedRule]:
    """Return the enabled rules of ``unified.tag_rules``, in their order.

    Raises:
        TagRuleError: a rule is invalid.
    """
    from pydantic import ValidationError

    rows = connection.execute(
        "select name, tag, description_pattern as description, "  # noqa: S608 - own names
        "counterparty, amount_from, "
        f"amount_to, account, {', '.join(DETAILS)} "
        "from unified.tag_rules where is_enabled order by position, name"
    )
    names = [column[0] for column in rows.description or ()]
    rules, problems = [], []
    for row in rows.fetchall():
        values: dict[str, Any] = dict(zip(names, row, strict=True))
        try:
            rules.append(SourcedRule(**values, source="table"))
        except ValidationError as error:
            problems += [
                f"unified.tag_rules: rule {values['name']!r}: "
                f"{'.'.join(map(str, problem['loc'])) or 'conditions'}: "
                f"{problem['msg'].removeprefix('Value error, ')}"
                for problem in error.errors()
            ]
    if problems:
        raise TagRuleError("\n".join(problems))
    return rules


@cache
def check_expression(expression: str) -> None:
    """Check the expression with DuckDB, which will evaluate it.

    Raises:
        ValueError: it is not valid RE2.
    """
    try:
        with open_memory() as connection:
            connection.execute("select regexp_matches('', ?)", [expression])
    except duckdb.InvalidInputException as error:
        reason = str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
        raise ValueError(f"{expression!r} is not a regular expression of RE2 ({reason})") from None
