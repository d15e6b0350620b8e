"""What the steps of the location ask for by name."""

from shared_lib.secrets import SecretsResource
from shared_lib.warehouse import Warehouse

RESOURCES = {
    "warehouse": Warehouse(location="gocardless"),
    "secrets": SecretsResource(location="gocardless"),
}
