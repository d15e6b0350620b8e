"""What steps use, by the names that ``orchestration.yaml`` gives them."""

from shared_lib.secrets import SecretsResource
from shared_lib.warehouse import Warehouse

warehouse = Warehouse(location="examples")
secrets = SecretsResource(location="examples")
