"""To which policies an alert goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.policies.targets import KnownAssets


@dataclass(frozen=True)
class Router:
    """Finds the policies that cover an alert.

    Attributes:
        policies: those in force.
        alert_channel: of the environment, for policies that name no other.
        assets: what is known of the assets of the workspace.
        errors: of targets that could not be applied, for the tick.
    """

    policies: Sequence[Policy]
    alert_channel: str
    assets: KnownAssets
    errors: list[Exception]

    def policies_for(self, alert: Alert, tags: Mapping[str, str]) -> list[Policy]:
        """The policies that cover ``alert``, of a run with ``tags``."""
        return [policy for policy in self.policies if self._covers(policy, alert, tags)]

    def destination(self, policy: Policy) -> str:
        """Where ``policy`` sends its messages."""
        return policy.notification_service.destination(self.alert_channel)

    def _covers(self, policy: Policy, alert: Alert, tags: Mapping[str, str]) -> bool:
        """Whether ``policy`` covers ``alert``; yes where that cannot be found out.

        One policy's targets must not keep the others from what has happened: the log would be read
        no further, by anybody.
        """
        try:
            return policy.covers(alert, tags, self.assets)
        except Exception as error:  # noqa: BLE001 - raised at the end of the pass
            note = f"while looking whether the policy {policy.name!r} covers it: it is told"
            if not any(note in getattr(known, "__notes__", ()) for known in self.errors):
                error.add_note(note)
                self.errors.append(error)
            return alert.event_type in policy.event_types
