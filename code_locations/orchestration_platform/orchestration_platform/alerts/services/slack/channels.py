"""Whether the bot can post to the channels that policies name."""

from collections.abc import Iterable, Mapping
from typing import Any

from orchestration_platform.alerts.services.protocol.errors import LookupForbiddenError
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from shared_lib.discovery.modules import did_you_mean


def channel_problems(api: SlackWebApi, token: str, names: Iterable[str]) -> list[str]:
    """Return a line for each channel that the bot cannot post to, with what to do.

    Args:
        api: Slack's API.
        token: the bot's token.
        names: the names of channels, with or without ``#``.

    Raises:
        LookupForbiddenError: the bot has no permission to list channels.
        ServiceUnavailableError: Slack did not answer.
    """
    known = api.channels(token, "public_channel")
    hint = ""
    try:
        known |= api.channels(token, "private_channel")
    except LookupForbiddenError:
        hint = "; if it is private, give the bot the scope groups:read"
    found = (_problem(name.removeprefix("#"), known, hint) for name in dict.fromkeys(names))
    return [problem for problem in found if problem]


def _problem(name: str, known: Mapping[str, Mapping[str, Any]], hint: str) -> str:
    if name not in known:
        return f"there is no channel #{name}{did_you_mean(name, sorted(known))}{hint}"
    if known[name]["is_archived"]:
        return f"#{name} is archived: unarchive it, or name another channel"
    return "" if known[name]["is_member"] else f"the bot is not in #{name}: invite it"
