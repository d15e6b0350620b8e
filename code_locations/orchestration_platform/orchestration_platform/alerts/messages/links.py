"""Where to find more about an alert in Dagster."""

from urllib.parse import quote, urlencode

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.messages.wording import Link


def links_of(alert: Alert, *, ui_url: str) -> list[Link]:
    """Return the links, most important first; an alert without a run has one as well."""
    links: list[Link] = []
    if alert.run_id:
        links.append(Link("Run", run_url(alert, ui_url)))
        step = alert.problems[0].step if alert.problems else ""
        if step:
            query = urlencode(
                {"logFileKey": step, "selection": step, "logs": f"step:{step}"}, errors="replace"
            )
            links.append(Link("Logs of the step", f"{run_url(alert, ui_url)}?{query}"))
    if asset := alert.failed_asset:
        view = "?view=checks" if alert.event_type.startswith("ASSET_CHECK") else ""
        path = "/".join(quoted(part) for part in asset.split("/"))
        links.append(Link("Asset", f"{ui_url}/assets/{path}{view}"))
    elif not alert.run_id and alert.kind in ("Schedule", "Sensor"):
        repository = f"__repository__@{quoted(alert.location)}"
        place = f"{alert.kind.lower()}s/{quoted(alert.subject)}"
        links.append(Link(alert.kind, f"{ui_url}/locations/{repository}/{place}"))
    elif not alert.run_id:
        links.append(Link("Deployment", f"{ui_url}/deployment"))
    return links


def run_url(alert: Alert, ui_url: str) -> str:
    """Return where the run is in Dagster."""
    return f"{ui_url}/runs/{quoted(alert.run_id)}"


def quoted(part: str) -> str:
    """Return a part of a path for an address."""
    return quote(part, safe="", errors="replace")
