"""How people and programs log in, and which roles they have.

``PLATFORM_LOGIN`` chooses the way, and ``PLATFORM_LOGIN_FILE`` names a YAML file with the rest.
"""

import datetime as dt
import ipaddress
import os
from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from orchestration_platform.web.login.person import PROGRAM_PREFIX, Grant, Person, Role, is_name
from shared_lib.configuration.section import Section
from shared_lib.configuration.validated_yaml import (
    ConfigurationError,
    file_of,
    load_yaml,
    place_in,
    validate_document,
)
from shared_lib.configuration.workspace_file import workspace_locations

VARIABLE = "PLATFORM_LOGIN"
FILE_VARIABLE = "PLATFORM_LOGIN_FILE"

_LOOPBACK_NAME = "localhost"


class Way(StrEnum):
    """How people log in."""

    NONE = "none"
    PROXY = "proxy"
    OIDC = "oidc"
    TOKENS = "tokens"


class _Role(Section):
    role: Literal["viewer", "launcher", "editor", "admin"] = Field(
        description="viewer reads; launcher also runs; editor also changes schedules, sensors and "
        "partitions; admin also deletes."
    )
    locations: list[str] | None = Field(
        default=None, min_length=1, description="Where a launcher or editor has the role."
    )

    @model_validator(mode="after")
    def _has_a_place(self) -> "_Role":
        if self.locations is not None and self.role in ("viewer", "admin"):
            raise ValueError(f"locations: the role {self.role} holds everywhere; remove them")
        return self

    @property
    def grant(self) -> Grant:
        """The role and where it holds."""
        places = None if self.locations is None else frozenset(self.locations)
        return Grant(Role[self.role.upper()], places)


class PeoplesGrant(_Role):
    """A role for people."""

    people: list[str] = Field(default_factory=list, description="Their names.")
    groups: list[str] = Field(default_factory=list, description="Groups that they are in.")
    everyone: bool = Field(default=False, description="Everyone who logs in.")

    @model_validator(mode="after")
    def _is_for_somebody(self) -> "PeoplesGrant":
        if not (self.people or self.groups or self.everyone):
            raise ValueError("nobody has this role: set people, groups or everyone")
        return self


class Token(_Role):
    """A program that sends a token."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="What it is called.")
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="The token's digest, as `python -m orchestration_platform.web token` prints.",
    )
    expires: dt.date = Field(description="The first day on which it is refused.")


def _network(text: str) -> str:
    ipaddress.ip_network(text)
    return text


def _issuer(url: str) -> str:
    loopback = ("http://127.0.0.1", "http://localhost", "http://[::1]")
    if not url.startswith(("https://", *loopback)):
        raise ValueError(f"{url!r} is not encrypted: write https://")
    return url


class Proxy(Section):
    """A proxy that logs people in and sends their names."""

    addresses: list[Annotated[str, AfterValidator(_network)]] = Field(
        min_length=1, description="The proxy's own addresses or networks; only it is believed."
    )
    name_header: str = Field(default="X-Forwarded-Email", description="Has the person's name.")
    groups_header: str = Field(
        default="X-Forwarded-Groups", description="Has the groups, separated by commas."
    )


class Oidc(Section):
    """An OpenID Connect provider."""

    issuer: Annotated[str, AfterValidator(_issuer)] = Field(description="The provider's address.")
    client_id: str = Field(min_length=1, description="What the provider calls Dagster.")
    client_secret_file: Path = Field(description="A file with the client's secret.")
    scope: str = Field(default="openid email profile", description="What is asked for.")
    name_claim: str = Field(default="email", description="The claim with the person's name.")
    groups_claim: str = Field(default="groups", description="The claim with the list of groups.")
    session_hours: float = Field(
        default=8, gt=0, le=168, description="After that time a person logs in again."
    )


class LoginFile(Section):
    """The whole file."""

    grants: list[PeoplesGrant] = Field(default_factory=list, description="Roles of people.")
    tokens: list[Token] = Field(default_factory=list, description="Programs with tokens.")
    proxy: Proxy | None = Field(default=None, description="For PLATFORM_LOGIN=proxy.")
    oidc: Oidc | None = Field(default=None, description="For PLATFORM_LOGIN=oidc.")

    def person(self, name: str, groups: Iterable[str]) -> Person | None:
        """Return the person with the roles of ``name`` and ``groups``; None without a role."""
        found = frozenset(groups)
        grants = tuple(
            entry.grant
            for entry in self.grants
            if entry.everyone or name in entry.people or not found.isdisjoint(entry.groups)
        )
        is_person = is_name(name) and not name.startswith(PROGRAM_PREFIX)
        return Person(name, grants) if grants and is_person else None


class LoginSettings(Section):
    """The way to log in, and the file; empty if there is no login."""

    way: Way
    file: LoginFile


def login_settings(*, host: str, workspace: Path) -> LoginSettings:
    """Return the settings of this environment.

    Args:
        host: the address on which the webserver listens.
        workspace: the ``workspace.yaml`` with the locations that roles may name.

    Raises:
        ConfigurationError: a variable or the file is wrong, or ``none`` is chosen for an address
            that other machines reach.
    """
    way = _way()
    if way is Way.NONE:
        if not _is_loopback(host):
            raise ConfigurationError(
                f"{VARIABLE}: without a login the webserver listens on this machine only, not on "
                f"{host}: set it to proxy, oidc or tokens, or listen on 127.0.0.1"
            )
        return LoginSettings(way=way, file=LoginFile())
    if not os.environ.get(FILE_VARIABLE):
        raise ConfigurationError(f"{FILE_VARIABLE}: {VARIABLE}={way} needs it: name the YAML file")
    path = file_of(FILE_VARIABLE, otherwise=Path())
    document = load_yaml(path)
    found = validate_document(document, LoginFile, path=path)
    if not getattr(found, way):
        raise ConfigurationError(f"{path}: {way}: missing, {VARIABLE}={way} needs this section")
    _check_locations(document, found, path=path, workspace=workspace)
    _check_tokens(document, found, path=path)
    return LoginSettings(way=way, file=found)


def _way() -> Way:
    chosen = os.environ.get(VARIABLE) or Way.NONE
    if chosen not in list(Way):
        raise ConfigurationError(
            f"{VARIABLE}: {chosen!r} is not allowed, allowed is one of: {', '.join(Way)}"
            f"{_did_you_mean(chosen, Way)}"
        )
    return Way(chosen)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == _LOOPBACK_NAME


def _check_locations(document: object, file: LoginFile, *, path: Path, workspace: Path) -> None:
    used = [
        (("grants", position, "locations", index), name)
        for position, entry in enumerate(file.grants)
        for index, name in enumerate(entry.locations or ())
    ] + [
        (("tokens", position, "locations", index), name)
        for position, entry in enumerate(file.tokens)
        for index, name in enumerate(entry.locations or ())
    ]
    known = list(workspace_locations(workspace)) if used else []
    problems = [
        f"{place_in(document, place, path=path)}: {name!r} is not a code location, allowed is one "
        f"of: {', '.join(known)}{_did_you_mean(name, known)}"
        for place, name in used
        if name not in known
    ]
    if problems:
        raise ConfigurationError("\n".join(problems))


def _check_tokens(document: object, file: LoginFile, *, path: Path) -> None:
    for field in ("name", "sha256"):
        values = [getattr(token, field) for token in file.tokens]
        for position, value in enumerate(values):
            if value in values[:position]:
                place = place_in(document, ("tokens", position, field), path=path)
                raise ConfigurationError(f"{place}: another token has the same {field}")


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    nearest = get_close_matches(name, [str(one) for one in known], n=1)
    return f", did you mean {nearest[0]}?" if nearest else ""
