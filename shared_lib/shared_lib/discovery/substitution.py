"""Replace ``${VARIABLE}`` in the values of a configuration file, before validation.

``${NAME}`` is the variable, ``${NAME:default}`` uses the default if it is not set, and
``${NAME:?message}`` then reports an error with that message. A default may contain spaces, colons
and further placeholders; ``$${`` is a literal ``${``. A variable that is set to the empty string
counts as set.

The result of an unquoted value is read as YAML, so that ``${ENABLED:true}`` is a boolean; a quoted
value stays a string.
"""

import re
from collections.abc import Iterator, Mapping, MutableMapping, MutableSequence
from typing import Any

from shared_lib.configuration.validated_yaml import Location, Problem
from shared_lib.secrets.variables import belongs_to_secrets

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What YAML reads as null; an empty text stays one.
_NOTHING = frozenset({"null", "Null", "NULL", "~"})
_OPENING, _ESCAPED = "${", "$${"


class _SubstitutionError(ValueError):
    """A placeholder that cannot be replaced."""


def substitute(document: Any, variables: Mapping[str, str]) -> list[Problem]:
    """Replace the placeholders in every value of ``document``, in place.

    Args:
        document: a file as :func:`shared_lib.configuration.validated_yaml.load_yaml` returns it.
        variables: the environment variables.

    Returns:
        What could not be replaced and was left unchanged, with its place.
    """
    problems: list[Problem] = []
    _descend(document, (), variables, problems)
    return problems


def _descend(
    node: Any, location: Location, variables: Mapping[str, str], problems: list[Problem]
) -> None:
    if isinstance(node, MutableMapping):
        entries = list(node.items())
    elif isinstance(node, MutableSequence):
        entries = list(enumerate(node))
    else:
        return
    for key, value in entries:
        if isinstance(value, str) and _OPENING in value:
            try:
                node[key] = _replaced(value, variables)
            except _SubstitutionError as error:
                problems.append(Problem((*location, key), str(error)))
        else:
            _descend(value, (*location, key), variables, problems)


def _replaced(value: str, variables: Mapping[str, str]) -> Any:
    text, _end = _expand(value, 0, variables, within=False)
    # ruamel uses a separate type for quoted scalars
    return text if type(value) is not str else _as_yaml(text, value)


def _as_yaml(text: str, written: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        value = YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return text
    if text.strip() in _NOTHING:
        raise _SubstitutionError(
            f"{written!r} becomes {text}, which is nothing in YAML: leave the key out for its "
            f'default, or quote it for the text "{text}"'
        )
    return value if isinstance(value, bool | int | float) else text


def _expand(
    text: str, position: int, variables: Mapping[str, str], *, within: bool
) -> tuple[str, int]:
    """Expand the text from ``position``, up to the closing brace if ``within`` a placeholder."""
    parts: list[str] = []
    while position < len(text):
        if text.startswith(_ESCAPED, position):
            parts.append(_OPENING)
            position += len(_ESCAPED)
        elif text.startswith(_OPENING, position):
            part, position = _placeholder(text, position, variables)
            parts.append(part)
        elif within and text[position] == "}":
            return "".join(parts), position
        else:
            parts.append(text[position])
            position += 1
    if within:
        raise _SubstitutionError(f"{text!r} has a ${{ without a closing }}")
    return "".join(parts), position


def _placeholder(text: str, position: int, variables: Mapping[str, str]) -> tuple[str, int]:
    start = position + len(_OPENING)
    name = _NAME.match(text, start)
    if name is None:
        raise _SubstitutionError(
            f"{text!r} has a ${{ without a name, allowed is ${{NAME}}, ${{NAME:default}}, "
            "${NAME:?message}, and $${ for a plain ${"
        )
    variable, after = name.group(), name.end()
    if belongs_to_secrets(variable):
        raise _SubstitutionError(
            f"${{{variable}}} is not allowed, because the secrets resource uses this variable and "
            "Dagster stores and shows the values of this file: list the secret below `secrets`, "
            "and get it with SecretsResource where it is used"
        )
    if text.startswith("}", after):
        if variable not in variables:
            raise _SubstitutionError(
                f"the environment variable {variable} is not set and has no default here: set it, "
                f"or write ${{{variable}:default}}"
            )
        return variables[variable], after + 1
    if not text.startswith(":", after):
        raise _SubstitutionError(f"{text!r}: ${{{variable} must be followed by : or }}")
    is_required = text.startswith(":?", after)
    # if the variable is set, skip its default without looking up the default's own variables
    inner = variables if variable not in variables else _Anything()
    rest, end = _expand(text, after + (2 if is_required else 1), inner, within=True)
    if variable in variables:
        return variables[variable], end + 1
    if is_required:
        raise _SubstitutionError(f"the environment variable {variable} is not set: {rest}")
    return rest, end + 1


class _Anything(Mapping[str, str]):
    """A mapping in which every variable is set, for a text that is discarded."""

    def __getitem__(self, name: str) -> str:
        return ""

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, name: object) -> bool:
        return True
