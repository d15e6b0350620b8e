"""The resources of the location, by the names that steps use."""

from shared_lib.secrets import SecretsResource
from shared_lib.warehouse import Warehouse

RESOURCES = {
    "warehouse": Warehouse(location="gocardless"),
    "secrets": SecretsResource(location="gocardless"),
}
