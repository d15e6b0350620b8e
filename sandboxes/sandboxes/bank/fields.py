"""Validates the fields of requests, with the API's own error texts."""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sandboxes.bank.refusals import field_refusal, refusal


def check_known(given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse a field that is not among ``known``."""
    for name in given:
        if name not in known:
            raise refusal("UnknownFields", field=name)


def required_text(body: Mapping[str, Any], name: str) -> str:
    """Return a required text that is not empty."""
    value = body.get(name)
    if name not in body or value in (None, ""):
        raise field_refusal("FieldRequired", field=name)
    if not isinstance(value, str):
        raise field_refusal("WrongType", field=name, kind="text")
    return value


def optional_text(body: Mapping[str, Any], name: str, longest: int) -> str | None:
    """Return a text, or None if the field is missing."""
    if name not in body:
        return None
    value = required_text(body, name)
    if len(value) > longest:
        raise field_refusal("TooLong", field=name, most=str(longest))
    return value


def whole_number(body: Mapping[str, Any], name: str, default: int) -> int:
    """Return a whole number, or the default if the field is missing."""
    value = body.get(name, default)
    if isinstance(value, float) and value.is_integer():
        # JSON has only one number type
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise field_refusal("WrongType", field=name, kind="whole number")
    return value


def flag(body: Mapping[str, Any], name: str) -> bool:
    """Return a boolean; a missing field is false."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise field_refusal("WrongType", field=name, kind="true or false")
    return value


def check_url(value: Any, *, longest: int = 1024) -> None:
    """Refuse a value that is not a URL to redirect a browser to."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        parts = None
    if parts is None or not parts.scheme or len(value) > longest:
        raise field_refusal("RedirectFieldErrors")


def uuid_of(text: str, error: str) -> str:
    """Return ``text`` in canonical UUID form; refuse with ``error`` if it is not a UUID."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise refusal(error, account=text, value=text) from None
