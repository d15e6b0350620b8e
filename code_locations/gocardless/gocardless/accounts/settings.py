"""Settings for each account, from a YAML file, and what banks need that differ from the rest."""

from collections.abc import Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, TypeVar

import duckdb
from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared_lib.configuration.validated_yaml import file_of, load_yaml, validate_document
from shared_lib.storage.migrations import Migration
from shared_lib.warehouse.tables import create_or_migrate

ACCOUNTS_VARIABLE = "GOCARDLESS_ACCOUNTS"
PACKAGED_ACCOUNTS = Path(__file__).with_name("accounts.yaml")
BANK_DEFAULTS = Path(__file__).with_name("bank_defaults.yaml")

_TABLES = """
create schema if not exists unified;
create table if not exists unified.account_settings (
    -- only of accounts that have any
    provider varchar not null,
    account_id varchar not null,
    date_used varchar,  -- booking or value
    balance_type varchar,  -- the only one that is compared with the transactions
    credit_line decimal(22, 8),  -- what a balance that includes it is greater by
    display_name varchar,
    sign varchar,  -- reversed, where the bank shows what is spent as positive
    primary key (provider, account_id)
);
"""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    date_used: Literal["booking", "value"] | None = Field(
        default=None, description="The date by which the marts count a transaction."
    )
    balance_type: str | None = Field(
        default=None, description="The only type of balance to compare, as closingBooked."
    )
    sign: Literal["as_sent", "reversed"] | None = Field(
        default=None, description="Reversed, where the bank shows what is spent as positive."
    )


class BankSettings(_Settings):
    """What holds for the accounts of a bank, unless an account says otherwise."""

    institution: str = Field(min_length=1, description="The institution's id.")


class BankDefault(BankSettings):
    """What is shipped for a bank, unless the settings file says otherwise."""

    reason: str = Field(min_length=1, description="What the bank does.")
    source: str = Field(pattern="^https://", description="Where that can be seen.")


class BankDefaults(BaseModel):
    """The shipped file of banks."""

    model_config = ConfigDict(extra="forbid")

    banks: list[BankDefault]


class AccountSettings(_Settings):
    """What holds for an account."""

    account: str = Field(min_length=1, description="Its IBAN or id.")
    credit_line: Decimal | None = Field(
        default=None, ge=0, description="What its bank adds to balances with creditLimitIncluded."
    )
    display_name: str | None = Field(default=None, description="What the marts call it.")


PSU_HEADERS = (
    "Psu-Ip-Address",
    "Psu-User-Agent",
    "Psu-Referer",
    "Psu-Accept",
    "Psu-Accept-Charset",
    "Psu-Accept-Encoding",
    "Psu-Accept-language",
    "Psu-Geo-Location",
)
"""What Enable Banking takes of the user who is present."""


class ConnectionSettings(BaseModel):
    """How a bank is connected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Literal["enable_banking"] = Field(description="The API.")
    bank: str = Field(min_length=1, description="Its name at the provider.")
    country: str = Field(pattern="^[A-Z]{2}$", description="Its country, by two letters.")
    redirect_url: str | None = Field(
        default=None, description="Where the bank's page returns to, as registered."
    )
    psu_headers: dict[str, str] = Field(
        default={}, description="What is sent of the user, where the bank demands it."
    )

    @field_validator("provider", mode="before")
    @classmethod
    def _is_provider(cls, value: object) -> object:
        return _one_of(value, ("enable_banking",))

    @field_validator("psu_headers")
    @classmethod
    def _are_headers(cls, value: dict[str, str]) -> dict[str, str]:
        return {_one_of(name, PSU_HEADERS): text for name, text in value.items()}


Word = TypeVar("Word")


def _one_of(value: Word, words: Sequence[str]) -> Word:
    """``value``, if it is one of the words.

    Raises:
        ValueError: it is not; says which are, and which was probably meant.
    """
    if value in words:
        return value
    nearest = get_close_matches(str(value), words, n=1)
    meant = f", did you mean {nearest[0]!r}?" if nearest else ""
    allowed = ", ".join(words)
    raise ValueError(f"{value!r} is not allowed, allowed is one of: {allowed}{meant}")


class SettingsFile(BaseModel):
    """The file of settings."""

    model_config = ConfigDict(extra="forbid")

    banks: list[BankSettings] = Field(default=[], description="Defaults by bank.")
    accounts: list[AccountSettings] = Field(default=[], description="Single accounts.")
    connections: list[ConnectionSettings] = Field(default=[], description="How to connect banks.")


def accounts_path() -> Path:
    """The file of settings: ``GOCARDLESS_ACCOUNTS``, else the packaged one.

    Raises:
        ConfigurationError: the variable names a file that is not there.
    """
    return file_of(ACCOUNTS_VARIABLE, otherwise=PACKAGED_ACCOUNTS)


def load_settings(path: Path) -> SettingsFile:
    """The settings of a YAML file.

    Raises:
        ConfigurationError: all that is wrong with it, with file, line and field.
    """
    return validate_document(load_yaml(path) or {}, SettingsFile, path=path)


def create_settings_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table of settings if it is not there yet."""
    create_or_migrate(
        connection,
        _TABLES,
        first_table="unified.account_settings",
        migrations=(Migration("sign of amounts", _add_sign, is_additive=True),),
    )


def _add_sign(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("alter table unified.account_settings add column if not exists sign varchar")
