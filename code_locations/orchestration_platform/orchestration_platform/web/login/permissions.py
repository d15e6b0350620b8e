"""Roles as Dagster's own permissions.

Dagster checks them in its mutations, for the code location of each job, run, asset, schedule or
sensor, and its UI disables what they do not allow.
"""

from collections.abc import Mapping

from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.permissions import (
    LOCATION_SCOPED_PERMISSIONS,
    PermissionResult,
    Permissions,
)
from starlette.requests import HTTPConnection

from orchestration_platform.web.login.person import PERSON_TAG, Person, Role, person_of
from orchestration_platform.web.login.signed_backfills import signing_backfills

# A permission that is not listed is denied: editing components is Dagster+'s alone.
LOWEST_ROLE: Mapping[str, Role] = {
    Permissions.LAUNCH_PIPELINE_EXECUTION: Role.LAUNCHER,
    Permissions.LAUNCH_PIPELINE_REEXECUTION: Role.LAUNCHER,
    Permissions.TERMINATE_PIPELINE_EXECUTION: Role.LAUNCHER,
    Permissions.LAUNCH_PARTITION_BACKFILL: Role.LAUNCHER,
    Permissions.CANCEL_PARTITION_BACKFILL: Role.LAUNCHER,
    Permissions.START_SCHEDULE: Role.EDITOR,
    Permissions.STOP_RUNNING_SCHEDULE: Role.EDITOR,
    Permissions.SCHEDULE_DRY_RUN: Role.EDITOR,
    Permissions.EDIT_SENSOR: Role.EDITOR,
    Permissions.SENSOR_DRY_RUN: Role.EDITOR,
    Permissions.UPDATE_SENSOR_CURSOR: Role.EDITOR,
    Permissions.RELOAD_REPOSITORY_LOCATION: Role.EDITOR,
    Permissions.RELOAD_WORKSPACE: Role.EDITOR,
    Permissions.REPORT_RUNLESS_ASSET_EVENTS: Role.EDITOR,
    Permissions.EDIT_DYNAMIC_PARTITIONS: Role.EDITOR,
    Permissions.TOGGLE_AUTO_MATERIALIZE: Role.EDITOR,
    Permissions.REFRESH_COMPONENT_STATE: Role.EDITOR,
    Permissions.DELETE_PIPELINE_RUN: Role.ADMIN,
    Permissions.WIPE_ASSETS: Role.ADMIN,
    Permissions.EDIT_CONCURRENCY_LIMIT: Role.ADMIN,
}


class PersonsContext(WorkspaceRequestContext):
    """The workspace as the person of a request may use it."""

    @property
    def person(self) -> Person:
        """The person of the request."""
        source = self.source
        if not isinstance(source, HTTPConnection):
            raise TypeError(f"a request was expected, not {source!r}")
        return person_of(source)

    @property
    def permissions(self) -> Mapping[str, PermissionResult]:
        """What the person may do in all locations."""
        return _allowed(self.person.role_at(None))

    def permissions_for_location(self, *, location_name: str) -> Mapping[str, PermissionResult]:
        """Return what the person may do in one location."""
        found = _allowed(self.person.role_at(location_name))
        return {name: found[name] for name in LOCATION_SCOPED_PERMISSIONS}

    def get_viewer_tags(self) -> dict[str, str]:
        """Return the tags of backfills that the person launches."""
        return {PERSON_TAG: self.person.name}

    def get_reporting_user_tags(self) -> dict[str, str]:
        """Return the tags of asset events that the person reports."""
        return {"dagster/reporting_user": self.person.name}


def persons_context(
    process_context: WorkspaceProcessContext, connection: HTTPConnection
) -> PersonsContext:
    """Return the workspace for one request."""
    return PersonsContext(
        instance=signing_backfills(process_context.instance, connection),
        current_workspace=process_context.get_current_workspace(),
        process_context=process_context,
        version=process_context.version,
        source=connection,
        read_only=process_context.read_only,
    )


def _allowed(role: Role | None) -> dict[str, PermissionResult]:
    return {name: _result(role, LOWEST_ROLE.get(name)) for name in Permissions}


def _result(role: Role | None, lowest: Role | None) -> PermissionResult:
    if lowest is None:
        return PermissionResult(enabled=False, disabled_reason="Not available here")
    if role is not None and role >= lowest:
        return PermissionResult(enabled=True, disabled_reason=None)
    reason = f"This needs the role {lowest.name.lower()}"
    return PermissionResult(enabled=False, disabled_reason=reason)
