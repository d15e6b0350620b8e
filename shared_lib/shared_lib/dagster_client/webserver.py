"""The address of Dagster's webserver, how to verify it, and the token that it requires."""

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from shared_lib.configuration.environment import UI_URL_VARIABLE, current_settings
from shared_lib.dagster_client.errors import WebserverConfigurationError

URL_VARIABLE = UI_URL_VARIABLE
TOKEN_VARIABLE = "DAGSTER_WEBSERVER_TOKEN"  # noqa: S105 - its name
TOKEN_FILE_VARIABLE = "DAGSTER_WEBSERVER_TOKEN_FILE"  # noqa: S105 - its name
HEADER_VARIABLE = "DAGSTER_WEBSERVER_TOKEN_HEADER"
AUTHORITY_VARIABLE = "DAGSTER_WEBSERVER_CACERT"

_BEARER_HEADER = "Authorization"


class Webserver(BaseModel):
    """How to reach Dagster's webserver.

    Raises:
        pydantic.ValidationError: the address is not valid, the certificate file does not exist, or
            a token would be sent unencrypted to another machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="its address, with its path prefix if any")
    token: SecretStr | None = Field(
        None, description="the token that a proxy in front of it requires"
    )
    token_header: str = Field(
        _BEARER_HEADER,
        pattern=r"^[A-Za-z0-9-]+$",
        description="the header that carries the token; Authorization gets it as a bearer token",
    )
    authority_file: Path | None = Field(
        None, description="certificates to trust, as PEM; default: the machine's own"
    )
    connect_seconds: float = Field(5.0, gt=0, description="maximum wait for a connection")
    # a launch waits up to 60 s for its code location (DAGSTER_GRPC_TIMEOUT_SECONDS), then answers
    answer_seconds: float = Field(90.0, gt=0, description="maximum wait for an answer")

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if not _is_server(url):
            message = (
                f"{URL_VARIABLE} is not the address of a server: write scheme, host and port, "
                "for example https://dagster.example.com, without user or password"
            )
            raise ValueError(message)
        return url.rstrip("/")

    @field_validator("authority_file")
    @classmethod
    def _is_there(cls, file: Path | None) -> Path | None:
        if file is not None and not file.is_file():
            message = (
                f"{AUTHORITY_VARIABLE}: there is no file {file}: put the certificate "
                "authority's certificate there, as PEM"
            )
            raise ValueError(message)
        return file

    @model_validator(mode="after")
    def _keeps_its_token(self) -> "Webserver":
        if self.token is not None and not self.is_encrypted and not _is_this_machine(self.host):
            message = (
                f"a token is not sent unencrypted to {self.host}: write https:// in "
                f"{URL_VARIABLE}, or remove the token"
            )
            raise ValueError(message)
        return self

    @property
    def host(self) -> str:
        """The host in the address."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self.url.startswith("https://")

    @property
    def token_value(self) -> tuple[str, str] | None:
        """The name and value of the header with the token; the value is a secret."""
        if self.token is None:
            return None
        token = self.token.get_secret_value()
        is_bearer = self.token_header.lower() == _BEARER_HEADER.lower()
        return self.token_header, f"Bearer {token}" if is_bearer else token

    def run_url(self, run_id: str) -> str:
        """Return the URL where people see the run."""
        return f"{self.url}/runs/{run_id}"


def current_webserver() -> Webserver:
    """Return the webserver that the variables name, by default the environment's own UI.

    Raises:
        WebserverConfigurationError: a variable is wrong; the text names it.
        UnknownEnvironmentError: ``DAGSTER_ENVIRONMENT`` is not an environment.
    """
    authority = os.environ.get(AUTHORITY_VARIABLE)
    token = _token()
    return webserver_of(
        url=os.environ.get(URL_VARIABLE) or current_settings().ui_url,
        token=SecretStr(token) if token else None,
        token_header=os.environ.get(HEADER_VARIABLE) or _BEARER_HEADER,
        authority_file=Path(authority) if authority else None,
    )


def webserver_of(**fields: object) -> Webserver:
    """Return a :class:`Webserver` with these fields.

    Raises:
        WebserverConfigurationError: a field is wrong; the text shows no value.
    """
    from pydantic import ValidationError

    try:
        return Webserver.model_validate(fields)
    except ValidationError as error:
        # pydantic's own text would show the input, including the token
        problems = "; ".join(
            problem["msg"].removeprefix("Value error, ") for problem in error.errors()
        )
        raise WebserverConfigurationError(problems) from None


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # parsed only when read; raises if it is not a port number
        _ = parts.port
    except ValueError:
        return False
    is_address = parts.scheme in ("http", "https") and parts.hostname and not parts.query
    return bool(is_address) and not (parts.username or parts.fragment)


def _token() -> str:
    file = os.environ.get(TOKEN_FILE_VARIABLE)
    if not file:
        return os.environ.get(TOKEN_VARIABLE, "").strip()
    if not Path(file).is_file():
        message = f"{TOKEN_FILE_VARIABLE}: there is no file {file}: put the token there"
        raise WebserverConfigurationError(message)
    token = Path(file).read_text(encoding="utf-8").strip()
    if not token:
        raise WebserverConfigurationError(f"{TOKEN_FILE_VARIABLE}: the file {file} is empty")
    return token


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
