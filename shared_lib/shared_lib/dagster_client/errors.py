"""What can go wrong between a program and Dagster; each error says what to do."""

from collections.abc import Iterable, Mapping


class DagsterClientError(Exception):
    """Dagster did not do what it was asked for."""


class WebserverConfigurationError(DagsterClientError):
    """The client was not told where Dagster is, or was told something that it refuses."""


class DagsterUnavailableError(DagsterClientError):
    """Nothing answers, or not in time, or with an error of its own (429, 5xx).

    Attributes:
        may_have_arrived: whether the request may have been carried out all the same.
    """

    def __init__(self, message: str, *, may_have_arrived: bool) -> None:
        """Say why, and whether the request may have been carried out."""
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class NotDagsterError(DagsterClientError):
    """Something answers that is not Dagster's GraphQL, for example a page to log in on."""


class AccessRefusedError(DagsterClientError):
    """What stands in front of Dagster wants a token, or another one."""


class LaunchRefusedError(DagsterClientError):
    """Dagster knows the job and does not launch it so, mostly because of its configuration."""


class UnknownRunError(DagsterClientError):
    """There is no such run."""


class WaitTimeoutError(DagsterClientError):
    """A run has not ended within the time that was to be waited; it goes on."""


class UnknownJobError(DagsterClientError):
    """No location, or not the one that was named, has the job."""

    def __init__(
        self, job: str, *, location: str | None, jobs: Iterable[str], broken: Mapping[str, str]
    ) -> None:
        """List the ``jobs`` that there are, and the locations that are ``broken``."""
        where = f"the location {location}" if location else "any location"
        listed = ", ".join(sorted(jobs)) or "none"
        message = f"no job {job!r} in {where}; there are: {listed}"
        if broken:
            message += f". Not loaded: {_listed(broken)}"
        super().__init__(message)


class UnknownLocationError(DagsterClientError):
    """The location that was named is not there, or could not be loaded."""

    def __init__(self, location: str, *, loaded: Iterable[str], broken: Mapping[str, str]) -> None:
        """List the locations that are ``loaded``, and why this one is not."""
        if location in broken:
            message = f"the location {location} is not loaded: {broken[location]}"
        else:
            listed = ", ".join(sorted(loaded)) or "none"
            message = f"no location {location!r}; there are: {listed}"
        super().__init__(message)


class AmbiguousJobError(DagsterClientError):
    """Several locations have a job of that name."""

    def __init__(self, job: str, locations: Iterable[str]) -> None:
        """List the ``locations`` to choose from."""
        listed = ", ".join(sorted(locations))
        super().__init__(f"the job {job} is in several locations, name one of: {listed}")


def _listed(broken: Mapping[str, str]) -> str:
    return "; ".join(f"{name} ({reason})" for name, reason in sorted(broken.items()))
