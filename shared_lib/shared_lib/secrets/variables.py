"""The environment variables with which secrets are read; configuration must not quote them."""

import re

_KEY_SEPARATOR = "__"
_NOT_IN_A_NAME = re.compile(r"[^A-Z0-9]")

# names that EnvBackend reads: <PATH>__<KEY>
_OF_A_KEY = re.compile(rf"[A-Z0-9_]+{_KEY_SEPARATOR}[A-Z0-9_]+", re.IGNORECASE)
_OF_A_LOGIN = re.compile(
    r"(?:VAULT|BAO)_.*|SECRETS_BACKEND|AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)",
    re.IGNORECASE,
)


def prefix_of(path: str) -> str:
    """Return how the variables of the secret at ``path`` begin."""
    return _NOT_IN_A_NAME.sub("_", path.upper()) + _KEY_SEPARATOR


def variable_name(path: str, key: str) -> str:
    """Return the variable that holds ``key`` of the secret at ``path``.

    ``gocardless/api`` and ``secret_id`` become ``GOCARDLESS_API__SECRET_ID``: capital letters, two
    underscores between path and key, one for any other character not allowed in a name.
    """
    return f"{prefix_of(path)}{_NOT_IN_A_NAME.sub('_', key.upper())}"


def belongs_to_secrets(variable: str) -> bool:
    """Whether ``variable`` can hold a secret, or is one with which secrets are read."""
    return bool(_OF_A_KEY.fullmatch(variable) or _OF_A_LOGIN.fullmatch(variable))
