"""Documents of the APIs as rows of the raw tables."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic_core import PydanticSerializationError

from gocardless.bank_api.documents import AccountDetails, Document
from gocardless.bank_api.errors import MalformedAnswerError


def payload_of(document: Document) -> str:
    """The document as it came, unknown fields included.

    Raises:
        MalformedAnswerError: it has what no text can have, such as half of a surrogate pair.
    """
    try:
        return document.model_dump_json(by_alias=True, exclude_unset=True)
    except PydanticSerializationError as error:
        message = f"the answer cannot be kept as a text: {error}"
        raise MalformedAnswerError(message, status=200) from error


@dataclass(frozen=True)
class RegisterRead:
    """The result of reading registers.

    Attributes:
        count: the number of documents that were written.
        odd: why others could not be read, by kind and id; their stored rows stay.
    """

    count: int
    odd: Mapping[str, str]


def details_row(account_id: str, details: AccountDetails) -> dict[str, str | None]:
    """The row of an account in ``raw.gc_account_details``."""
    return {
        "account_id": account_id,
        "iban": details.iban,
        "currency": details.currency,
        "owner_name": details.owner_name,
        "name": details.name,
        "product": details.product,
        "cash_account_type": details.cash_account_type,
        "payload": payload_of(details),
    }
