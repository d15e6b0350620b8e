"""Recognise answers that are not Vault's: a login page, an empty body, other JSON."""

from collections.abc import Mapping
from typing import Any

import requests

from shared_lib.secrets.errors import NotVaultError

_KINDS: dict[type, str] = {
    dict: "a mapping",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "nothing",
}
_REMEDY = "check VAULT_ADDR, and whether a proxy or a login page is in between"
_OK, _NO_CONTENT = 200, 204


def of_vault(answer: requests.Response, *, method: str, address: str) -> dict[str, Any] | None:
    """Return the JSON object with which Vault grants or refuses a request.

    It is ``None`` for status 204, which has no body.

    Raises:
        NotVaultError: it is another answer; the text describes it without quoting it.
    """
    if answer.status_code == _NO_CONTENT and not answer.content:
        return None
    is_granted_otherwise = answer.ok and answer.status_code != _OK
    found = _json(answer)
    if is_granted_otherwise or not isinstance(found, dict):
        raise NotVaultError(
            f"{address} does not answer as Vault does: {method.upper()} "
            f"{answer.request.path_url.split('?')[0]} returns {_described(answer)}: {_REMEDY}"
        )
    return found


def part(answer: Any, *fields: str, kind: type) -> Any:
    """Return the field of Vault's ``answer`` at ``fields``, which is of ``kind``.

    Raises:
        NotVaultError: the answer does not have it; the text names the field and the kind found.
    """
    if isinstance(answer, requests.Response):
        raise NotVaultError(
            f"the server does not answer as Vault does: it returns {_described(answer)} where "
            f"the field {'.'.join(fields)} is expected: {_REMEDY}"
        )
    node = answer
    for depth, field in enumerate(fields, start=1):
        if not isinstance(node, Mapping) or field not in node:
            where = ".".join(fields[: depth - 1])
            found = f", where {where} is {_kind(node)}" if where else ""
            raise NotVaultError(
                "the server does not answer as Vault does: it returns JSON without the field "
                f"{'.'.join(fields[:depth])}{found}: {_REMEDY}"
            )
        node = node[field]
    if not isinstance(node, kind) or (isinstance(node, bool) and kind is not bool):
        raise NotVaultError(
            f"the server does not answer as Vault does: the field {'.'.join(fields)} is "
            f"{_kind(node)}, expected is {_KINDS[kind]}: {_REMEDY}"
        )
    return node


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "another value")


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _described(answer: requests.Response) -> str:
    """Describe status and body; the body itself may repeat what was sent, so it is not shown."""
    content = answer.content
    if not content:
        return f"{answer.status_code} and an empty body"
    try:
        value = answer.json()
    except ValueError:
        beginning = content.lstrip()[:15].lower()
        is_page = beginning.startswith((b"<!doctype html", b"<html"))
        kind = "an HTML page" if is_page else "text that is not JSON"
    else:
        kind = f"JSON that is {'null' if value is None else _kind(value)}"
    return f"{answer.status_code} and {kind} ({len(content):,} bytes)"
