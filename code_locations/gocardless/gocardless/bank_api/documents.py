"""Documents that all providers share. Fields that they do not name are kept unchanged."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gocardless.bank_api.errors import MalformedAnswerError


class Document(BaseModel):
    """A document from the API; unknown fields are kept."""

    model_config = ConfigDict(extra="allow", frozen=True)


class AccountDetails(Document):
    """An account as its bank describes it."""

    iban: str | None = None
    currency: str | None = None
    owner_name: str | None = Field(default=None, alias="ownerName")
    name: str | None = None
    product: str | None = None
    cash_account_type: str | None = Field(default=None, alias="cashAccountType")


class DetailsAnswer(Document):
    """The answer of ``details``."""

    account: AccountDetails


class BalancesAnswer(Document):
    """The answer of ``balances``; its entries are read one by one, since any may be malformed."""

    balances: list[Any] = Field(default_factory=list)


class TransactionLists(Document):
    """Unparsed entries; they are read one by one, since any may be malformed."""

    booked: list[Any]
    pending: list[Any] | None = None


class TransactionsAnswer(Document):
    """The answer of ``transactions``."""

    transactions: TransactionLists


Model = TypeVar("Model", bound=Document)


def read_transactions_answer(text: str) -> TransactionsAnswer:
    """Parse an answer about transactions.

    Raises:
        MalformedAnswerError: it is not JSON, or does not follow the contract.
    """
    return read_document(TransactionsAnswer, parsed(text))


def parsed(text: str) -> Any:
    """Parse JSON; keep numbers with a fraction as text, so that no digit is lost.

    Raises:
        MalformedAnswerError: it is not JSON.
    """
    try:
        return json.loads(text, parse_float=str)
    except ValueError as error:
        raise MalformedAnswerError("the answer is not JSON in UTF-8", status=200) from error
    except RecursionError as error:
        raise MalformedAnswerError("the answer is nested too deeply", status=200) from error


def read_document(model: type[Model], document: Any) -> Model:
    """Return the document as its model.

    Raises:
        MalformedAnswerError: it breaks the contract; names the fields.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        fields = ", ".join(
            ".".join(map(str, problem["loc"])) or "document" for problem in error.errors()
        )
        message = f"the answer breaks the contract: {fields} of {model.__name__}"
        raise MalformedAnswerError(message, status=200) from error
