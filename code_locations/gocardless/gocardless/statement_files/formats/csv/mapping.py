"""How a bank writes its CSV files: proposed by an inspection, saved, and corrected by people."""

import codecs
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML

from gocardless.statement_files.statement import StatementFileError
from shared_lib.configuration.environment import current_settings
from shared_lib.configuration.validated_yaml import ConfigurationError, load_yaml
from shared_lib.private_files import keep_files_private


class Columns(BaseModel):
    """Which column is what, by its name in the header."""

    model_config = ConfigDict(extra="forbid")

    booking_date: str
    value_date: str | None = None
    amount: str | None = Field(
        default=None, description="Signed, or without sign beside indicator."
    )
    debit: str | None = Field(default=None, description="What leaves the account.")
    credit: str | None = Field(default=None, description="Money that comes in.")
    indicator: str | None = Field(default=None, description="Says the side of an unsigned amount.")
    currency: str | None = None
    fee: str | None = Field(default=None, description="Leaves the account beside the amount.")
    description: list[str] = Field(default_factory=list, description="Joined in this order.")
    counterparty: str | None = None
    payee: str | None = Field(default=None, description="The other side of what is paid.")
    payer: str | None = Field(default=None, description="The other side of what is received.")
    counterparty_iban: str | None = None
    account_iban: str | None = Field(default=None, description="The account the row is of.")
    transaction_id: str | None = None
    end_to_end_id: str | None = None
    mandate_id: str | None = None
    balance_after: str | None = None
    original_amount: str | None = None
    original_currency: str | None = None
    exchange_rate: str | None = None
    merchant_category: str | None = None
    status: str | None = None

    def named(self) -> dict[str, str]:
        """The columns of one name each, by what they are."""
        return {role: name for role, name in self if isinstance(name, str)}


class Mapping(BaseModel):
    """How a bank writes its CSV files."""

    model_config = ConfigDict(extra="forbid")

    bank: str
    header: list[str] = Field(description="Names of all columns; files with it are read so.")
    has_header: bool = Field(default=True, description="If not, the names are column 1, column 2.")
    encoding: str = Field(description="As Python names it, such as cp1252.")
    separator: str = Field(min_length=1, max_length=1)
    decimal: str = Field(pattern="^[.,]$")
    date_order: str = Field(pattern="^(ymd|dmy|mdy)$")
    currency: str | None = Field(default=None, description="Where no column has it.")
    debit_is_signed: bool = Field(
        default=False, description="Whether the debit column has a minus."
    )
    columns: Columns

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        try:
            codecs.lookup(name)
        except LookupError:
            raise ValueError("not an encoding, allowed are such as utf-8 and cp1252") from None
        return name


def mapping_directory() -> Path:
    """Where mappings are saved, one file for each bank."""
    return current_settings().data_directory / "statement_mappings"


def save(mapping: Mapping, directory: Path) -> Path:
    """Write a mapping; one of the same bank is replaced."""
    keep_files_private()
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{mapping.bank}.yaml"
    with path.open("w", encoding="utf-8") as file:
        yaml = YAML()
        yaml.default_flow_style = False
        yaml.dump(mapping.model_dump(exclude_defaults=True), file)
    return path


def saved_mappings(directory: Path) -> list[Mapping]:
    """All saved mappings, by bank.

    Raises:
        StatementFileError: one cannot be read; says which and why.
    """
    return [_load(path) for path in sorted(directory.glob("*.yaml"))]


def _load(path: Path) -> Mapping:
    try:
        return Mapping.model_validate(load_yaml(path))
    except ConfigurationError as error:
        raise StatementFileError(str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise StatementFileError(f"{path}: {place} {first['input']!r}: {first['msg']}") from error
