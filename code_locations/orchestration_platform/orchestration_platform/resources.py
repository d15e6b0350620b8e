"""The resources that the steps of this location request by name."""

from orchestration_platform.alerts.facts.timing import TIMING
from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from shared_lib.secrets import SecretsResource

RESOURCES = {
    "secrets": SecretsResource(location="orchestration_platform"),
    "slack": SlackWebApi(),
    "alerts_memory": Memory(),
    "alerts_timing": TIMING,
}
