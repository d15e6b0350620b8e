"""What provides the token of each call."""

from typing import Protocol


class Tokens(Protocol):
    """Provides access tokens."""

    def token(self) -> str:
        """Return a valid token."""
        ...

    def discard(self, token: str) -> None:
        """Forget a token that the API has refused."""
        ...
