"""A service is one folder and one line of the registry: a ninth one, in a copy of the package."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import orchestration_platform
from shared_lib.configuration.environment import REPOSITORY_ROOT

CONFIGURATION = '''
from typing import ClassVar

from pydantic import Field

from orchestration_platform.alerts.services.protocol.configuration import (
    BehindSecret,
    Capabilities,
    SecretPath,
)


class Postcard(BehindSecret):
    """Postcards."""

    name: ClassVar[str] = "postcard"
    summary: ClassVar[str] = "Postcards."
    capabilities: ClassVar[Capabilities] = Capabilities(pace=0.0)
    path_field: ClassVar[str] = "letter_box"

    letter_box: SecretPath = Field(description="Path of the secret whose key is letter_box.")

    def connected(self, using):
        from orchestration_platform.alerts.services.postcard.service import PostcardService

        return PostcardService(self.secret_value(using))
'''
SERVICE = """
from dataclasses import dataclass
from pathlib import Path

from orchestration_platform.alerts.messages.formats.text import head_text
from orchestration_platform.alerts.services.protocol.service import Receipt, Service


@dataclass(frozen=True)
class PostcardService(Service):
    letter_box: str

    def post(self, notification):
        Path(self.letter_box).write_text(head_text(notification.message))
        return Receipt(notification.key)
"""
IMPORTED = "from orchestration_platform.alerts.services.postcard.configuration import Postcard\n"
# From a policy to a message that is delivered.
DELIVERED = """
import json, sys, time
from pathlib import Path

from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.delivery.sender import Sender
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.deduplication import record_failure
from orchestration_platform.alerts.outbox.state import listed_messages
from orchestration_platform.alerts.policies.policy import load_policies, schema_text
from orchestration_platform.alerts.services.registry import Services
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from shared_lib.secrets import SecretsResource

policies, database = sys.argv[1:]
[policy] = load_policies(Path(policies))
destination = policy.notification_service.destination("#alerts")
outbox = Database(database)
with outbox.transaction() as connection:
    reported = failure(at=time.time())
    record_failure(
        connection, policy, reported, destination=destination, ui_url="", will_be_retried=False,
        now=time.time(),
    )
services = Services(SecretsResource(location="orchestration_platform"), SlackWebApi())
sender = Sender.of([policy], database=outbox, services=services, environment="ci", ui_url="")
sender.send_due(until=time.monotonic() + 10)
with outbox.transaction() as connection:
    rows = listed_messages(connection, limit=9)
print(json.dumps([[row["destination"], row["kind"], row["state"]] for row in rows]))
assert "Postcards." in schema_text()
"""
POLICIES = """
alert_policies:
  - name: by post
    enabled: true
    event_types: [JOB_FAILURE]
    notification_service: {postcard: {letter_box: orchestration_platform/post}}
"""


def test_a_ninth_service_is_one_folder_and_delivers_what_a_policy_sends_there(
    tmp_path: Path,
) -> None:
    package = tmp_path / "packages" / "orchestration_platform"
    ours = Path(orchestration_platform.__file__).parent
    shutil.copytree(ours, package, ignore=shutil.ignore_patterns("__pycache__"))
    services = package / "alerts" / "services"
    folder = services / "postcard"
    folder.mkdir()
    (folder / "configuration.py").write_text(CONFIGURATION)
    (folder / "service.py").write_text(SERVICE)
    registry = (services / "registry.py").read_text()
    listed = registry.replace("    Log,\n)", "    Log,\n    Postcard,\n)")
    assert listed != registry
    (services / "registry.py").write_text(IMPORTED + listed)
    policies = tmp_path / "alert_policies.yaml"
    policies.write_text(POLICIES)
    letter_box = tmp_path / "letter box.txt"

    done = subprocess.run(
        [sys.executable, "-c", DELIVERED, policies, f"sqlite:///{tmp_path / 'outbox.db'}"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(package.parent), str(REPOSITORY_ROOT)]),
            "DAGSTER_ENVIRONMENT": "ci",
            "ORCHESTRATION_PLATFORM_POST__LETTER_BOX": str(letter_box),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        ["postcard:orchestration_platform/post", "entry", "suppressed"],
        ["postcard:orchestration_platform/post", "head", "delivered"],
    ]
    assert "ValueError: it is bad" in letter_box.read_text()
