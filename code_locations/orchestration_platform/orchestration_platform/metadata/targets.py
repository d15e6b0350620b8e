"""The catalogues of ``platform.yaml``, and what each needs to be published to."""

from collections.abc import Callable, Mapping

from orchestration_platform.housekeeping.settings import Catalog
from orchestration_platform.metadata.description import Description
from orchestration_platform.metadata.publish import (
    Published,
    publish_to_datahub,
    publish_to_openmetadata,
)
from orchestration_platform.metadata.sending import Server
from shared_lib.secrets import SecretsResource

DATAHUB, OPENMETADATA = "datahub", "openmetadata"

# DataHub's API wants the version of its protocol
_HEADERS = {"X-RestLi-Protocol-Version": "2.0.0"}

Publish = Callable[[Description], Published]


def targets(settings: Catalog, secrets: SecretsResource) -> Mapping[str, Publish]:
    """Return a function for each catalogue that is configured, by its name.

    It reads the token when it is called, and raises what ``secrets`` and the catalogue raise.
    """
    found: dict[str, Publish] = {}
    if datahub := settings.datahub:
        url = datahub.url.rstrip("/")
        found[DATAHUB] = lambda description: publish_to_datahub(
            description, Server(url, _token(secrets, DATAHUB), _HEADERS)
        )
    if openmetadata := settings.openmetadata:
        address, service = openmetadata.url.rstrip("/"), openmetadata.service
        found[OPENMETADATA] = lambda description: publish_to_openmetadata(
            description, Server(address, _token(secrets, OPENMETADATA)), service=service
        )
    return found


def _token(secrets: SecretsResource, name: str) -> str:
    return secrets.get(f"orchestration_platform/{name}")["token"].reveal()
