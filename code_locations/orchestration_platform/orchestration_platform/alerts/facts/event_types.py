"""The event types, in Dagster+'s terms where it has them."""

from enum import StrEnum

from orchestration_platform.alerts.facts.alert import Severity


class Category(StrEnum):
    """The category of an event; all event types of a policy are of one category."""

    JOB = "job"
    ASSET = "asset"
    TICK = "schedule or sensor"
    LOCATION = "code location"
    DAEMON = "daemon"


class EventType(StrEnum):
    """What has happened."""

    JOB_FAILURE = "JOB_FAILURE"
    JOB_SUCCESS = "JOB_SUCCESS"
    JOB_LONG_RUNNING = "JOB_LONG_RUNNING"
    ASSET_MATERIALIZATION_FAILURE = "ASSET_MATERIALIZATION_FAILURE"
    ASSET_MATERIALIZATION_SUCCESS = "ASSET_MATERIALIZATION_SUCCESS"
    ASSET_CHECK_SEVERITY_WARN = "ASSET_CHECK_SEVERITY_WARN"
    ASSET_CHECK_SEVERITY_ERROR = "ASSET_CHECK_SEVERITY_ERROR"
    ASSET_CHECK_EXECUTION_FAILURE = "ASSET_CHECK_EXECUTION_FAILURE"
    ASSET_CHECK_PASSED = "ASSET_CHECK_PASSED"
    ASSET_FRESHNESS_WARN = "ASSET_FRESHNESS_WARN"
    ASSET_FRESHNESS_FAIL = "ASSET_FRESHNESS_FAIL"
    ASSET_FRESHNESS_PASS = "ASSET_FRESHNESS_PASS"  # noqa: S105 - a state
    TICK_FAILURE = "TICK_FAILURE"
    CODE_LOCATION_ERROR = "CODE_LOCATION_ERROR"
    DAEMON_HEARTBEAT_MISSING = "DAEMON_HEARTBEAT_MISSING"

    @property
    def category(self) -> Category:
        """The category of the event type."""
        match self.value.partition("_")[0]:
            case "JOB":
                return Category.JOB
            case "ASSET":
                return Category.ASSET
            case "TICK":
                return Category.TICK
            case "CODE":
                return Category.LOCATION
            case _:
                return Category.DAEMON

    @property
    def severity(self) -> Severity:
        """How bad the event is; good news is ``INFO``."""
        return _SEVERITIES.get(self, Severity.ERROR)


_SEVERITIES = {
    EventType.JOB_SUCCESS: Severity.INFO,
    EventType.JOB_LONG_RUNNING: Severity.WARNING,
    EventType.ASSET_MATERIALIZATION_SUCCESS: Severity.INFO,
    EventType.ASSET_CHECK_SEVERITY_WARN: Severity.WARNING,
    EventType.ASSET_CHECK_PASSED: Severity.INFO,
    EventType.ASSET_FRESHNESS_WARN: Severity.WARNING,
    EventType.ASSET_FRESHNESS_PASS: Severity.INFO,
    EventType.CODE_LOCATION_ERROR: Severity.CRITICAL,
    EventType.DAEMON_HEARTBEAT_MISSING: Severity.CRITICAL,
}

# Nothing ends good news: an incident of it is never over.
GOOD_NEWS = frozenset(kind for kind in EventType if kind.severity is Severity.INFO)

CHECK_OUTCOMES = frozenset(kind for kind in EventType if kind.value.startswith("ASSET_CHECK_"))
FRESHNESS_STATES = frozenset(
    kind for kind in EventType if kind.value.startswith("ASSET_FRESHNESS_")
)
