"""How old the assets of a location may be, by its ``orchestration.yaml``."""

from collections.abc import Callable

from orchestration_platform.metadata.description import Freshness
from shared_lib.discovery.configuration.assets import DeadlineFreshness, WindowFreshness
from shared_lib.discovery.patterns import fits
from shared_lib.discovery.reading import load_configuration
from shared_lib.discovery.workspace import location_files


def declared_freshness(location: str) -> Callable[[str], Freshness | None]:
    """Return a function from the key of an asset, with slashes, to its limit.

    Raises:
        ConfigurationError: the location's file is wrong.
    """
    (path,) = (path for path in location_files().values() if path.parent.name == location)
    rules = [rule for rule in load_configuration(path)[0].assets if rule.freshness is not None]

    def limit(asset: str) -> Freshness | None:
        # the last rule wins
        for rule in reversed(rules):
            if any(fits(pattern, asset) for pattern in rule.patterns):
                match rule.freshness:
                    case WindowFreshness(fail_after_minutes=minutes):
                        return Freshness(fail_seconds=round(minutes * 60))
                    case DeadlineFreshness(cron=cron, timezone=timezone):
                        return Freshness(cron=cron, timezone=timezone)
                return None
        return None

    return limit
