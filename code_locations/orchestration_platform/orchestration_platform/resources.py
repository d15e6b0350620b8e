"""What the steps of the location ask for by name."""

from shared_lib.secrets import SecretsResource

RESOURCES = {"secrets": SecretsResource(location="orchestration_platform")}
