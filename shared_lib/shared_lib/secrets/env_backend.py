"""Secrets from environment variables and a ``.env`` file, for ``local`` and ``ci`` only."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.secrets.errors import SecretNotFoundError, SecretsMisconfiguredError
from shared_lib.secrets.file_access import require_private
from shared_lib.secrets.variables import prefix_of

DOTENV_FILE = REPOSITORY_ROOT / ".env"


@dataclass(frozen=True)
class EnvBackend:
    """Reads secrets from the process's environment, then from a ``.env`` file.

    Attributes:
        dotenv_file: the file; it need not exist.
    """

    dotenv_file: Path = DOTENV_FILE

    def read(self, path: str, *, version: int | None = None) -> dict[str, str]:
        """Return keys, in lower case, and values of the secret at ``path``.

        Raises:
            SecretNotFoundError: no variable starts with the path's name.
            SecretsMisconfiguredError: a version is requested, which variables do not have.
        """
        if version is not None:
            raise SecretsMisconfiguredError(
                f"version {version} of {path} was requested, but environment variables have no "
                "versions: leave it out, or set SECRETS_BACKEND=vault"
            )
        prefix = prefix_of(path)
        found = {
            name.removeprefix(prefix).lower(): value
            for name, value in self._variables().items()
            if name.startswith(prefix) and len(name) > len(prefix) and value
        }
        if not found:
            raise SecretNotFoundError(
                f"no secret {path}: set {prefix}<KEY>, one variable for each key, in the "
                f"environment or in {self.dotenv_file.name} (see .env.example)"
            )
        return found

    def key_names(self, path: str) -> frozenset[str]:
        """Return the keys of the secret at ``path``.

        Raises:
            SecretNotFoundError: no variable starts with the path's name.
        """
        return frozenset(self.read(path))

    def _variables(self) -> Mapping[str, str]:
        if not self.dotenv_file.is_file():
            return os.environ
        require_private(self.dotenv_file, self.dotenv_file.stat(), meaning="secrets")
        from dotenv import dotenv_values

        written = dotenv_values(self.dotenv_file, interpolate=False)
        return {**{name: value or "" for name, value in written.items()}, **os.environ}
