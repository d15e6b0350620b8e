"""The code location ``examples``."""

from shared_lib.discovery import build_definitions
from shared_lib.secrets import SecretsResource
from shared_lib.warehouse import Warehouse

RESOURCES = {
    "warehouse": Warehouse(location="examples"),
    "secrets": SecretsResource(location="examples"),
}
defs = build_definitions(__file__, resources=RESOURCES)
