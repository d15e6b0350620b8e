"""What Dagster's webserver knows about the workspace: which locations load, and their assets.

A sensor runs in its own location and sees no other. The webserver has loaded all of them and
answers in milliseconds; loading them here would take seconds each time. ``DAGSTER_WEBSERVER_URL``
is its address.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestration_platform.alerts.facts.alert import Problem
from orchestration_platform.alerts.facts.user_errors import innermost
from orchestration_platform.alerts.workspace.asset_graph import (
    AssetFacts,
    AssetGraph,
    SelectionError,
)
from orchestration_platform.alerts.workspace.names import JobFacts, LocationNames, WorkspaceNames
from shared_lib.dagster_client.errors import DagsterClientError
from shared_lib.dagster_client.webserver import URL_VARIABLE, current_webserver

_LOCATIONS = """
query Locations { workspaceOrError { __typename
    ... on Workspace { locationEntries { name locationOrLoadError { __typename
        ... on PythonError { message className stack
            errorChain { error { message className stack } } }
    } } }
    ... on PythonError { message }
} }
"""

_NAMES = """
query Names { workspaceOrError { ... on Workspace { locationEntries { name
    locationOrLoadError { ... on RepositoryLocation { repositories {
        jobs { name } schedules { name } sensors { name } assetGroups { groupName }
    } } }
} } } }
"""

_ASSETS = """
query Assets { assetNodes {
    assetKey { path } groupName isMaterializable kinds tags { key value }
    owners { ... on UserAssetOwner { email } ... on TeamAssetOwner { team } }
    dependencyKeys { path } repository { location { name } }
    metadataEntries { ...Runbook }
} workspaceOrError { ... on Workspace { locationEntries { name
    locationOrLoadError { ... on RepositoryLocation { repositories { jobs { name
        owners { ... on UserDefinitionOwner { email } ... on TeamDefinitionOwner { team } }
        metadataEntries { ...Runbook }
    } } } }
} } } }
fragment Runbook on MetadataEntry { label
    ... on UrlMetadataEntry { url } ... on TextMetadataEntry { text }
}
"""

# The entries of the metadata of assets and jobs that name their runbook.
RUNBOOKS = frozenset({"runbook", "runbook_url"})

# Definitions change when a location is deployed. An unreachable webserver is not asked each pass.
_ASSETS_KEPT_SECONDS = 300.0
_ASK_AGAIN_SECONDS = 60.0
# A tick has 60 s in all.
_ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class _ReportedError:
    """An exception as the webserver reports it."""

    message: str
    cls_name: str | None
    stack: Sequence[str]
    cause: "_ReportedError | None"


@dataclass(frozen=True)
class Answer:
    """The assets and jobs in the last answer; may also record that there was no answer.

    A job is identified by its code location and name.
    """

    asked_at: float
    graph: AssetGraph | None
    jobs: Mapping[tuple[str, str], JobFacts] = field(default_factory=dict)


@dataclass(frozen=True)
class AssetCache:
    """The last answer of each webserver, by address: a pass runs every few seconds."""

    answers: dict[str, Answer] = field(default_factory=dict)


@dataclass
class Workspace:
    """The workspace, during one pass.

    Attributes:
        cache: what is known from earlier passes.
        problems: why the webserver could not be asked; empty if it could, or was not needed.
    """

    cache: AssetCache = field(default_factory=AssetCache)
    problems: list[str] = field(default_factory=list)

    def locations(self) -> dict[str, Problem | None] | None:
        """Return each code location with the error that stops it from loading; None if unknown."""
        answer = self._ask(_LOCATIONS, what="CODE_LOCATION_ERROR is not monitored")
        if answer is None:
            return None
        workspace = answer["workspaceOrError"]
        if "locationEntries" not in workspace:
            self._note(f"Dagster cannot load its workspace: {workspace['message']}")
            return None
        return {
            entry["name"]: _load_error(entry["locationOrLoadError"])
            for entry in workspace["locationEntries"]
            # without content it is still loading
            if entry["locationOrLoadError"] is not None
        }

    def names(self) -> WorkspaceNames | None:
        """Return the names in the workspace, or None if they are unknown."""
        answer = self._ask(_NAMES, what="names in the workspace are unknown")
        graph = self._graph(must_be_known=True) if answer else None
        if answer is None or graph is None:
            return None
        entries = answer["workspaceOrError"].get("locationEntries", [])
        return WorkspaceNames({entry["name"]: _names(entry) for entry in entries}, graph)

    def job(self, location: str, name: str) -> JobFacts | None:
        """Return what is known about a job; None if nothing is."""
        if not name:
            return None
        answer = self._answer(must_be_known=False)
        return answer.jobs.get((location, name)) if answer else None

    def location_of(self, asset: str) -> str:
        """Return the code location that makes ``asset``; empty if that is unknown."""
        found = self.asset(asset)
        return found.location if found else ""

    @property
    def has_address(self) -> bool:
        """Whether a webserver is configured, even if it is unavailable."""
        return bool(os.environ.get(URL_VARIABLE))

    def owners_of(self, assets: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return the owners of the assets without duplicates; None while the assets are unknown."""
        if not assets:
            return ()
        if not self.has_address:
            # nobody misses what no message has ever had
            self._note(_without_address("messages name no owners"))
        graph = self._graph(must_be_known=False)
        if graph is None:
            return None
        found = [graph.by_key.get(asset) for asset in assets]
        return tuple(dict.fromkeys(owner for asset in found if asset for owner in asset.owners))

    def all_owners(self) -> tuple[str, ...]:
        """Return the owners of all known assets, without duplicates."""
        graph = self._graph(must_be_known=False)
        found = graph.by_key.values() if graph else ()
        return tuple(dict.fromkeys(owner for asset in found for owner in asset.owners))

    def in_group(self, asset: str, *, group: str, location: str) -> bool:
        """Return whether ``asset`` is in ``group`` of the location; true while that is unknown."""
        graph = self._graph(must_be_known=True)
        if graph is None:
            return True
        found = graph.by_key.get(asset)
        return found is not None and (found.group, found.location) == (group, location)

    def selected(self, asset: str, selection: str) -> bool:
        """Return whether ``selection`` includes ``asset``; true while that is unknown."""
        graph = self._graph(must_be_known=True)
        try:
            return graph is None or asset in graph.select(selection)
        except SelectionError as error:
            self._note(f"asset_selection {selection!r} is treated as every asset: {error}")
            return True

    def asset(self, key: str) -> AssetFacts | None:
        """Return what is known about an asset; None if nothing is."""
        graph = self._graph(must_be_known=False)
        return graph.by_key.get(key) if graph else None

    def _graph(self, *, must_be_known: bool) -> AssetGraph | None:
        answer = self._answer(must_be_known=must_be_known)
        return answer.graph if answer else None

    def _answer(self, *, must_be_known: bool) -> Answer | None:
        url = os.environ.get(URL_VARIABLE, "")
        if not url and not must_be_known:
            return None
        kept = self.cache.answers.get(url)
        longest = _ASSETS_KEPT_SECONDS if kept and kept.graph else _ASK_AGAIN_SECONDS
        if kept is None or time.monotonic() - kept.asked_at > longest:
            what = "alert_targets of groups and selections are treated as every asset"
            answer = self._ask(_ASSETS, what=what)
            now = time.monotonic()
            if answer:
                graph = AssetGraph([_asset(node) for node in answer["assetNodes"]])
                kept = Answer(now, graph, _jobs(answer["workspaceOrError"]))
            else:
                # an outdated answer is better than nothing
                kept = replace(kept, asked_at=now) if kept else Answer(now, None)
            self.cache.answers[url] = kept
        return kept

    def _ask(self, query: str, *, what: str) -> dict[str, Any] | None:
        from shared_lib.dagster_client.connection import Connection

        if not os.environ.get(URL_VARIABLE):
            self._note(_without_address(what))
            return None
        try:
            webserver = current_webserver().model_copy(update={"answer_seconds": _ANSWER_SECONDS})
            return Connection(webserver).ask(query)
        except DagsterClientError as error:
            # the tick reports it; other messages do not wait for it
            self._note(f"{what}: {error}")
            return None

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def _without_address(what: str) -> str:
    return f"{what}: set {URL_VARIABLE} to the address of Dagster's webserver"


def _names(entry: dict[str, Any]) -> LocationNames | None:
    content = entry["locationOrLoadError"]
    if not content:
        return None
    repositories = content["repositories"]

    def named(kind: str, field: str = "name") -> frozenset[str]:
        return frozenset(one[field] for found in repositories for one in found[kind])

    return LocationNames(
        jobs=named("jobs"),
        instigators=named("schedules") | named("sensors"),
        groups=named("assetGroups", "groupName"),
    )


def _load_error(content: dict[str, Any]) -> Problem | None:
    if content["__typename"] != "PythonError":
        return None
    error: _ReportedError | None = None
    for link in reversed(content["errorChain"]):
        error = _reported(link["error"], error)
    return innermost(_reported(content, error))


def _reported(content: dict[str, Any], cause: _ReportedError | None) -> _ReportedError:
    return _ReportedError(content["message"], content["className"], content["stack"], cause)


def _jobs(workspace: dict[str, Any]) -> dict[tuple[str, str], JobFacts]:
    """Return the jobs of the locations that load."""
    return {
        (entry["name"], job["name"]): JobFacts(_owners(job), _runbook(job))
        for entry in workspace.get("locationEntries", [])
        for repository in (entry["locationOrLoadError"] or {}).get("repositories", [])
        for job in repository["jobs"]
    }


def _owners(definition: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        owner["email"] if "email" in owner else f"team:{owner['team']}"
        for owner in definition["owners"]
    )


def _runbook(definition: dict[str, Any]) -> str:
    """Return the runbook in the metadata of an asset or a job; empty without one."""
    for entry in definition["metadataEntries"]:
        if entry["label"].lower() in RUNBOOKS:
            return (entry.get("url") or entry.get("text") or "").strip()
    return ""


def _asset(node: dict[str, Any]) -> AssetFacts:
    return AssetFacts(
        key="/".join(node["assetKey"]["path"]),
        location=node["repository"]["location"]["name"],
        group=node["groupName"],
        owners=_owners(node),
        tags=tuple((tag["key"], tag["value"]) for tag in node["tags"]),
        kinds=tuple(node["kinds"]),
        upstream=tuple("/".join(key["path"]) for key in node["dependencyKeys"]),
        is_made_here=node["isMaterializable"],
        runbook=_runbook(node),
    )
