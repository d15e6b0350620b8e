"""When the secret ids of AppRoles end, found by their accessors, which are not secret."""

from collections.abc import Iterable
from datetime import UTC, datetime

import hvac.exceptions

from shared_lib.secrets.errors import SecretError, SecretForbiddenError
from shared_lib.secrets.vault.answers import part
from shared_lib.secrets.vault.session import VaultSession

_NEVER = datetime.max.replace(tzinfo=UTC)
# what the server writes for a secret id that does not end
_NO_END_YEAR = 1


def ends_of_secret_ids(
    session: VaultSession, *, mount: str, roles: Iterable[str]
) -> dict[str, list[datetime]]:
    """Return when each secret id of each role ends, UTC, the next first.

    The list of a role without any is empty; the year 9999 means that one never ends.

    Raises:
        SecretForbiddenError: the policies do not allow it; has the line that would.
        SecretError: the server is unreachable, sealed or busy, or refuses.
    """
    return {role: _ends(session, mount, role) for role in roles}


def _ends(session: VaultSession, mount: str, role: str) -> list[datetime]:
    refusal: type[hvac.exceptions.VaultError] | None = None
    ends: list[datetime] = []
    try:
        listed = session.ask(
            lambda client: client.auth.approle.list_secret_id_accessors(role, mount_point=mount)
        )
        for accessor in part(listed, "data", "keys", kind=list):
            end = _end(session, mount, role, accessor)
            if end is not None:
                ends.append(end)
    except (hvac.exceptions.InvalidPath, hvac.exceptions.InvalidRequest):
        return []  # the server answers the first for a role without any, the second for no role
    except hvac.exceptions.VaultError as error:
        refusal = type(error)
    if refusal is hvac.exceptions.Forbidden:
        path = f"auth/{mount}/role/{role}/secret-id"
        raise SecretForbiddenError(
            path,
            policy=f'path "{path}" {{ capabilities = ["list"] }}\n'
            f'  path "{path}-accessor/lookup" {{ capabilities = ["update"] }}',
            identity=session.identity.description,
        )
    if refusal is not None:
        raise SecretError(
            f"Vault refuses to list the secret ids of {role} ({refusal.__name__}): see its log"
        )
    return sorted(ends)


def _end(session: VaultSession, mount: str, role: str, accessor: str) -> datetime | None:
    try:
        found = session.ask(
            lambda client: client.auth.approle.read_secret_id_accessor(
                role, accessor, mount_point=mount
            )
        )
    except hvac.exceptions.InvalidPath:
        return None  # it ended between the two requests
    end = datetime.fromisoformat(part(found, "data", "expiration_time", kind=str))
    return _NEVER if end.year == _NO_END_YEAR else end.astimezone(UTC)
