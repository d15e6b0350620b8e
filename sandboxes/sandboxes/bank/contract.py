"""The vendor's OpenAPI description, against which the server checks itself.

The description belongs to the vendor and is not part of this repository. The option ``--contract``
or ``GOCARDLESS_SANDBOX_CONTRACT`` names its path. Checking needs ``jsonschema``.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from shared_lib.configuration.yaml_aliases import refuse_expansion

CONTRACT_VARIABLE = "GOCARDLESS_SANDBOX_CONTRACT"

_METHODS = frozenset({"get", "post", "put", "delete", "patch"})


class ContractError(ValueError):
    """The file is not an OpenAPI description; the message says why."""


class Contract:
    """Checks requests and answers against the description."""

    def __init__(self, path: Path) -> None:
        """Read the description at ``path``.

        Raises:
            ContractError: the file does not exist, or is not such a description.
        """
        try:
            document = _plain(_loaded(path))
        except OSError as error:
            raise ContractError(f"{path} cannot be read ({error.strerror})") from error
        except (ValueError, yaml.YAMLError) as error:
            raise ContractError(f"{path} is neither JSON nor YAML ({error})") from error
        if not isinstance(document, dict) or not {"components", "paths"} <= document.keys():
            raise ContractError(
                f"{path} is not an OpenAPI description: it lacks components or paths"
            )
        self._components = document["components"]
        self._operations = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", template)), method.upper(), operation)
            for template, operations in document["paths"].items()
            for method, operation in operations.items()
            if method in _METHODS
        ]
        self._validators: dict[str, Any] = {}

    def problem_of_request(
        self, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> str | None:
        """Return why the contract forbids a request; None if it is allowed or not described.

        Args:
            method: the HTTP method.
            path: the path without the query.
            query: the query, each field once.
            body: the parsed body with typed fields; None if there is no body.
        """
        operation = self._operation(method, path)
        if operation is None:
            return None
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "query" and parameter["name"] in query:
                value = _number_or_text(query[parameter["name"]], parameter["schema"])
                problem = self._problem(parameter["schema"], value)
                if problem:
                    return f"{parameter['name']}: {problem}"
        if "requestBody" not in operation or body is None:
            return None
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        return self._problem(schema, body)

    def problem_of_answer(self, method: str, path: str, status: int, body: Any) -> str | None:
        """Return why the contract forbids an answer; None if it is allowed or not described.

        An unsupported method is answered with 405, which is not part of the contract.
        """
        operation = self._operation(method, path)
        if operation is None:
            return None
        answers = operation["responses"]
        if str(status) not in answers:
            return f"{method} {path} has no answer {status}"
        content = answers[str(status)]["content"]["application/json"]
        problem = self._problem(content["schema"], body)
        return problem and f"{method} {path} {status}: {problem}"

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, known, operation in self._operations:
            if known == method and pattern.fullmatch(path):
                return operation
        return None

    def _problem(self, schema: Any, value: Any) -> str | None:
        from jsonschema import Draft202012Validator

        # an example in YAML may be a date
        key = json.dumps(schema, sort_keys=True, default=str)
        if key not in self._validators:
            root = {**schema, "components": self._components}
            self._validators[key] = Draft202012Validator(
                root, format_checker=Draft202012Validator.FORMAT_CHECKER
            )
        error = next(iter(self._validators[key].iter_errors(value)), None)
        if error is None:
            return None
        place = ".".join(map(str, error.absolute_path)) or "document"
        return f"{place}: {error.message[:300]}"


def _loaded(path: Path) -> Any:
    text = path.read_text("utf-8")
    if path.suffix not in (".yaml", ".yml"):
        return json.loads(text)
    refuse_expansion(text, path=path)
    return yaml.safe_load(text)


def _plain(node: Any) -> Any:
    """Translate OpenAPI 3.0's ``nullable`` into JSON Schema."""
    if isinstance(node, list):
        return [_plain(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items()}
    if plain.pop("nullable", False) is True:
        plain["type"] = [plain["type"], "null"]
    return plain


def _number_or_text(text: str, schema: Mapping[str, Any]) -> Any:
    if schema.get("type") == "integer" and text.isascii() and text.removeprefix("-").isdigit():
        return int(text)
    return text
