"""The entrance that the settings choose."""

from orchestration_platform.web.login.settings import LoginSettings, Way
from orchestration_platform.web.login.ways import Entrance, NoLogin, ProxyHeader, TokensOnly


def entrance_of(login: LoginSettings) -> Entrance:
    """Return what finds the people of requests."""
    file = login.file
    if login.way is Way.PROXY and file.proxy:
        return ProxyHeader(file, file.proxy)
    return NoLogin() if login.way is Way.NONE else TokensOnly()
