"""Errors between a program and Dagster; each says what to do."""

from collections.abc import Iterable, Mapping


class DagsterClientError(Exception):
    """Dagster did not carry out the request."""


class WebserverConfigurationError(DagsterClientError):
    """The address or another setting of the webserver is missing or invalid."""


class DagsterUnavailableError(DagsterClientError):
    """Nothing answers in time, or the server returns an error of its own (429, 5xx).

    Attributes:
        may_have_arrived: whether the request may have been carried out nevertheless.
    """

    def __init__(self, message: str, *, may_have_arrived: bool) -> None:
        """Store the reason, and whether the request may have been carried out."""
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class NotDagsterError(DagsterClientError):
    """The answer is not from Dagster's GraphQL, but for example a login page."""


class AccessRefusedError(DagsterClientError):
    """The server in front of Dagster requires a token, or rejects the one it got."""


class LaunchRefusedError(DagsterClientError):
    """Dagster knows the job but refuses to launch it, mostly because of its configuration."""


class UnknownRunError(DagsterClientError):
    """The run does not exist."""


class WaitTimeoutError(DagsterClientError):
    """A run did not end within the timeout; it continues."""


class UnknownJobError(DagsterClientError):
    """No location has the job, or the named location does not have it."""

    def __init__(
        self, job: str, *, location: str | None, jobs: Iterable[str], broken: Mapping[str, str]
    ) -> None:
        """List the existing ``jobs`` and the ``broken`` locations."""
        where = f"the location {location}" if location else "any location"
        listed = ", ".join(sorted(jobs)) or "none"
        message = f"no job {job!r} in {where}; available: {listed}"
        if broken:
            message += f". Not loaded: {_listed(broken)}"
        super().__init__(message)


class UnknownLocationError(DagsterClientError):
    """The named location does not exist or could not be loaded."""

    def __init__(self, location: str, *, loaded: Iterable[str], broken: Mapping[str, str]) -> None:
        """List the ``loaded`` locations, and say why this one is not loaded."""
        if location in broken:
            message = f"the location {location} is not loaded: {broken[location]}"
        else:
            listed = ", ".join(sorted(loaded)) or "none"
            message = f"no location {location!r}; available: {listed}"
        super().__init__(message)


class AmbiguousJobError(DagsterClientError):
    """Several locations have a job of that name."""

    def __init__(self, job: str, locations: Iterable[str]) -> None:
        """List the ``locations`` to choose from."""
        listed = ", ".join(sorted(locations))
        super().__init__(f"the job {job} is in several locations, choose one of: {listed}")


def _listed(broken: Mapping[str, str]) -> str:
    return "; ".join(f"{name} ({reason})" for name, reason in sorted(broken.items()))
