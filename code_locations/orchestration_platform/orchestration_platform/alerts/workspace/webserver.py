"""What Dagster's webserver knows of the workspace: which locations load, and their assets.

A sensor runs in its own location and sees no other. The webserver has them all loaded, and answers
in milliseconds; to load them here would take seconds each time. It is asked where
``DAGSTER_WEBSERVER_URL`` says where it is.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestration_platform.alerts.facts.alert import Problem
from orchestration_platform.alerts.facts.user_errors import innermost
from orchestration_platform.alerts.workspace.asset_graph import (
    AssetFacts,
    AssetGraph,
    SelectionError,
)
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

_ASSETS = """
query Assets { assetNodes {
    assetKey { path } groupName isMaterializable kinds tags { key value }
    owners { ... on UserAssetOwner { email } ... on TeamAssetOwner { team } }
    dependencyKeys { path } repository { location { name } }
} }
"""

# Definitions change when a location is deployed. Whoever did not answer is not asked each pass.
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
    """The assets as they were last asked for; also that there was no answer."""

    asked_at: float
    graph: AssetGraph | None


@dataclass(frozen=True)
class AssetCache:
    """The last answer of each webserver, by its address: a pass comes every few seconds."""

    answers: dict[str, Answer] = field(default_factory=dict)


@dataclass
class Workspace:
    """The workspace, during one pass.

    Attributes:
        cache: what is known from earlier passes.
        problems: why it could not be asked; empty when it could, or did not have to be.
    """

    cache: AssetCache = field(default_factory=AssetCache)
    problems: list[str] = field(default_factory=list)

    def locations(self) -> dict[str, Problem | None] | None:
        """Each code location with what keeps it from loading; nothing if that is not known."""
        answer = self._ask(_LOCATIONS, what="CODE_LOCATION_ERROR is not watched")
        if answer is None:
            return None
        workspace = answer["workspaceOrError"]
        if "locationEntries" not in workspace:
            self._note(f"Dagster has no workspace to offer: {workspace['message']}")
            return None
        return {
            entry["name"]: _load_error(entry["locationOrLoadError"])
            for entry in workspace["locationEntries"]
            # without content it is still being loaded
            if entry["locationOrLoadError"] is not None
        }

    def location_of(self, asset: str) -> str:
        """The code location that makes ``asset``; empty if that is not known."""
        found = self._asset(asset)
        return found.location if found else ""

    @property
    def has_address(self) -> bool:
        """Whether there is a webserver to be asked, be it away or not."""
        return bool(os.environ.get(URL_VARIABLE))

    def owners_of(self, assets: tuple[str, ...]) -> tuple[str, ...] | None:
        """The owners of the assets, each once; nothing while the assets are unknown."""
        if not assets:
            return ()
        if not self.has_address:
            # nobody would miss what no message has ever had
            self._note(_without_address("messages name no owners"))
        graph = self._graph(must_be_known=False)
        if graph is None:
            return None
        found = [graph.by_key.get(asset) for asset in assets]
        return tuple(dict.fromkeys(owner for asset in found if asset for owner in asset.owners))

    def all_owners(self) -> tuple[str, ...]:
        """The owners of all assets, each once, as far as they are known."""
        graph = self._graph(must_be_known=False)
        found = graph.by_key.values() if graph else ()
        return tuple(dict.fromkeys(owner for asset in found for owner in asset.owners))

    def in_group(self, asset: str, *, group: str, location: str) -> bool:
        """Whether ``asset`` is in ``group`` of the location; yes while the assets are unknown."""
        graph = self._graph(must_be_known=True)
        if graph is None:
            return True
        found = graph.by_key.get(asset)
        return found is not None and (found.group, found.location) == (group, location)

    def selected(self, asset: str, selection: str) -> bool:
        """Whether ``selection`` has ``asset``; yes while that cannot be known."""
        graph = self._graph(must_be_known=True)
        try:
            return graph is None or asset in graph.select(selection)
        except SelectionError as error:
            self._note(f"asset_selection {selection!r} is taken to mean every asset: {error}")
            return True

    def _asset(self, key: str) -> AssetFacts | None:
        graph = self._graph(must_be_known=False)
        return graph.by_key.get(key) if graph else None

    def _graph(self, *, must_be_known: bool) -> AssetGraph | None:
        url = os.environ.get(URL_VARIABLE, "")
        if not url and not must_be_known:
            return None
        kept = self.cache.answers.get(url)
        longest = _ASSETS_KEPT_SECONDS if kept and kept.graph else _ASK_AGAIN_SECONDS
        if kept is None or time.monotonic() - kept.asked_at > longest:
            what = "alert_targets of groups and selections are taken to mean every asset"
            answer = self._ask(_ASSETS, what=what)
            graph = AssetGraph([_asset(node) for node in answer["assetNodes"]]) if answer else None
            # what was known before is better than nothing
            kept = Answer(time.monotonic(), graph or (kept.graph if kept else None))
            self.cache.answers[url] = kept
        return kept.graph

    def _ask(self, query: str, *, what: str) -> dict[str, Any] | None:
        from shared_lib.dagster_client.connection import Connection

        if not os.environ.get(URL_VARIABLE):
            self._note(_without_address(what))
            return None
        try:
            webserver = current_webserver().model_copy(update={"answer_seconds": _ANSWER_SECONDS})
            return Connection(webserver).ask(query)
        except DagsterClientError as error:
            # the tick says so; what else there is to tell does not wait for it
            self._note(f"{what}: {error}")
            return None

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def _without_address(what: str) -> str:
    return f"{what}: set {URL_VARIABLE} to the address of Dagster's webserver"


def _load_error(content: dict[str, Any]) -> Problem | None:
    if content["__typename"] != "PythonError":
        return None
    error: _ReportedError | None = None
    for link in reversed(content["errorChain"]):
        error = _reported(link["error"], error)
    return innermost(_reported(content, error))


def _reported(content: dict[str, Any], cause: _ReportedError | None) -> _ReportedError:
    return _ReportedError(content["message"], content["className"], content["stack"], cause)


def _asset(node: dict[str, Any]) -> AssetFacts:
    return AssetFacts(
        key="/".join(node["assetKey"]["path"]),
        location=node["repository"]["location"]["name"],
        group=node["groupName"],
        owners=tuple(
            owner["email"] if "email" in owner else f"team:{owner['team']}"
            for owner in node["owners"]
        ),
        tags=tuple((tag["key"], tag["value"]) for tag in node["tags"]),
        kinds=tuple(node["kinds"]),
        upstream=tuple("/".join(key["path"]) for key in node["dependencyKeys"]),
        is_made_here=node["isMaterializable"],
    )
