"""Request bodies: JSON or a form, as the contract allows for each operation."""

import email
import email.policy
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

Kind = type[str] | type[int] | type[bool] | type[list]


class MalformedBodyError(ValueError):
    """A body that cannot be read; the message says why."""


def read_body(content: bytes, content_type: str, fields: Mapping[str, Kind]) -> dict[str, Any]:
    """Return the fields of a body; those of a form get the types in ``fields``.

    Args:
        content: the body.
        content_type: its ``Content-Type`` header.
        fields: the type of each field.

    Raises:
        MalformedBodyError: the body is neither a JSON object nor a form.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            texts = parse_qs(content.decode(), keep_blank_values=True)
        except ValueError:
            raise MalformedBodyError("the form is not UTF-8") from None
        return _typed(texts, fields)
    if kind == "multipart/form-data":
        return _typed(_parts(content, content_type), fields)
    if kind not in {"application/json", ""}:
        raise MalformedBodyError(f"Unsupported media type {kind!r} in request.")
    try:
        body = json.loads(content)
    except ValueError:
        raise MalformedBodyError("JSON parse error") from None
    if not isinstance(body, dict):
        raise MalformedBodyError(f"Invalid data. Expected an object, got {type(body).__name__}.")
    return body


def _parts(content: bytes, content_type: str) -> dict[str, list[str]]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    message = email.message_from_bytes(head + content, policy=email.policy.HTTP)
    if not message.is_multipart():
        raise MalformedBodyError("Multipart form parse error")
    found: dict[str, list[str]] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(payload, bytes):
            raise MalformedBodyError("Multipart form parse error")
        found.setdefault(name, []).append(payload.decode("utf-8", "replace"))
    return found


def _typed(texts: Mapping[str, Sequence[str]], fields: Mapping[str, Kind]) -> dict[str, Any]:
    return {name: _value(values, fields.get(name, str)) for name, values in texts.items()}


def _value(texts: Sequence[str], kind: Kind) -> Any:
    if kind is list:
        return list(texts)
    text = texts[-1]
    if kind is int and text.removeprefix("-").isascii() and text.removeprefix("-").isdigit():
        return int(text)
    if kind is bool and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return text
