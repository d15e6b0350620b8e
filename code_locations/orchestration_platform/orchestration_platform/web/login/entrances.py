"""The entrance that the settings choose."""

from orchestration_platform.web.database import WebDatabase
from orchestration_platform.web.login.oidc import OidcLogin
from orchestration_platform.web.login.sessions import Sessions
from orchestration_platform.web.login.settings import LoginSettings, Way
from orchestration_platform.web.login.ways import Entrance, NoLogin, ProxyHeader, TokensOnly


def entrance_of(login: LoginSettings, *, database: WebDatabase, origin: str) -> Entrance:
    """Return what finds the people of requests.

    Args:
        login: the settings.
        database: where sessions are kept.
        origin: scheme, host and port of the address that people open.

    Raises:
        ConfigurationError: a file that the settings name cannot be read.
    """
    file = login.file
    if login.way is Way.OIDC and file.oidc:
        sessions = Sessions(database, hours=file.oidc.session_hours)
        return OidcLogin(file, file.oidc, sessions, origin)
    if login.way is Way.PROXY and file.proxy:
        return ProxyHeader(file, file.proxy)
    return NoLogin() if login.way is Way.NONE else TokensOnly()
