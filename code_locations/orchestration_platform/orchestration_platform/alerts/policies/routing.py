"""Which policies an alert goes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.policies.targets import KnownAssets
from orchestration_platform.alerts.services.protocol.destination import Destination


@dataclass(frozen=True)
class Router:
    """Finds the policies that cover an alert.

    Attributes:
        policies: the policies in force.
        alert_channel: the environment's channel, for policies that name no other.
        assets: what is known about the assets of the workspace.
        errors: the errors of targets that could not be applied, for the tick.
    """

    policies: Sequence[Policy]
    alert_channel: str
    assets: KnownAssets
    errors: list[Exception]

    def policies_for(self, alert: Alert, tags: Mapping[str, str]) -> list[Policy]:
        """Return the policies that cover ``alert``, which is of a run with ``tags``."""
        return [policy for policy in self.policies if self._covers(policy, alert, tags)]

    def destination(self, policy: Policy) -> Destination:
        """Return where ``policy`` sends its messages."""
        return policy.notification_service.destination(self.alert_channel)

    def _covers(self, policy: Policy, alert: Alert, tags: Mapping[str, str]) -> bool:
        """Return whether ``policy`` covers ``alert``; true if that cannot be determined.

        An error in one policy's targets must not hold up the others: the log would not be read any
        further for anyone.
        """
        try:
            return policy.covers(alert, tags, self.assets)
        except Exception as error:  # noqa: BLE001 - raised at the end of the pass
            note = f"while checking whether the policy {policy.name!r} covers it: it is reported"
            if not any(note in getattr(known, "__notes__", ()) for known in self.errors):
                error.add_note(note)
                self.errors.append(error)
            return alert.event_type in policy.event_types
