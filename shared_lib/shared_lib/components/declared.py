"""The secrets of a project, as a component."""

from functools import cache

import dagster as dg
from pydantic import Field

from shared_lib.components.sections import SectionsComponent
from shared_lib.observability.sending.header_secrets import read_secrets_with
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
        secrets = secrets_of(self.attributes.location or root_module(context))
        read_secrets_with(lambda secret, key: secrets.get(secret)[key].reveal())
        return dg.Definitions(resources={"secrets": secrets})


def root_module(context: dg.ComponentLoadContext) -> str:
    """Return the name of the package that the project consists of."""
    return context.defs_module_name.partition(".")[0]


@cache
def secrets_of(location: str) -> SecretsResource:
    """Return the resource of a location, the same for all components: Dagster merges no others."""
    return SecretsResource(location=location)
