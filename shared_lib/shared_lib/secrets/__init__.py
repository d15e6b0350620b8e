"""Secrets from Vault, or on a laptop from the environment: fetched when used, never shown."""

from shared_lib.secrets.declared import (
    ExaminedSecret,
    SecretNeed,
    SecretState,
    examine,
    unmet,
)
from shared_lib.secrets.errors import (
    LoginRefusedError,
    NotVaultError,
    SecretError,
    SecretForbiddenError,
    SecretKeyNotFoundError,
    SecretNotFoundError,
    SecretsMisconfiguredError,
    VaultBusyError,
    VaultSealedError,
    VaultUnreachableError,
)
from shared_lib.secrets.redaction.events import redacted_event
from shared_lib.secrets.redaction.exceptions import redacting_exceptions
from shared_lib.secrets.redaction.logs import install_redaction
from shared_lib.secrets.redaction.registry import know, redact
from shared_lib.secrets.resource import SecretsResource
from shared_lib.secrets.sensors import skips_without_secrets
from shared_lib.secrets.value import Secret, SecretValue

__all__ = [
    "ExaminedSecret",
    "LoginRefusedError",
    "NotVaultError",
    "Secret",
    "SecretError",
    "SecretForbiddenError",
    "SecretKeyNotFoundError",
    "SecretNeed",
    "SecretNotFoundError",
    "SecretState",
    "SecretValue",
    "SecretsMisconfiguredError",
    "SecretsResource",
    "VaultBusyError",
    "VaultSealedError",
    "VaultUnreachableError",
    "examine",
    "install_redaction",
    "know",
    "redact",
    "redacted_event",
    "redacting_exceptions",
    "skips_without_secrets",
    "unmet",
]
