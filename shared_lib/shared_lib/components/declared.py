"""The secrets of a project, as a component."""

from functools import cache

import dagster as dg
from pydantic import Field

from shared_lib.components.sections import SectionsComponent
from shared_lib.observability.header_secrets import read_secrets_with
from shared_lib.secrets import SecretsResource


class DeclaredSecrets(
    SectionsComponent,
    sections=("secrets",),
    location=(
        str | None,
        Field(default=None, description="Who reads them; default: the project's root module."),
    ),
):
    """The secrets that a project needs, and the resource `secrets` that reads them.

    `platform_health` reports those that are missing. A step reads a value as
    `secrets.get("shop/api")["token"].reveal()`.

    .. code-block:: yaml

        type: shared_lib.components.DeclaredSecrets
        attributes:
          secrets:
            - path: shop/api
              keys: [token]
    """

    produces = ("resource",)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Return the resource; several components of a project share it."""
        location = self.attributes.location or context.defs_module_name.partition(".")[0]
        secrets = _secrets_of(location)
        read_secrets_with(lambda secret, key: secrets.get(secret)[key].reveal())
        return dg.Definitions(resources={"secrets": secrets})


@cache
def _secrets_of(location: str) -> SecretsResource:
    return SecretsResource(location=location)
