"""The command ``listen``: applies what people press below messages in Slack, until Ctrl-C."""

import argparse
import logging
import sys

from orchestration_platform.alerts.control.console import Subparsers, database, policies_in_force
from orchestration_platform.alerts.facts.logger import LOGGER_NAME


def add_listen_command(commands: Subparsers) -> None:
    """Add ``listen`` to the parser."""
    summary = "listen to the buttons below messages in Slack until Ctrl-C (Socket Mode)"
    listen = commands.add_parser("listen", help=summary, description=f"{summary}.".capitalize())
    listen.set_defaults(command=_listen)


def _listen(asked: argparse.Namespace) -> int:  # noqa: ARG001 - as all commands
    from orchestration_platform.alerts.control.listening import Listener
    from orchestration_platform.alerts.services.protocol.errors import ServiceUnavailableError
    from orchestration_platform.alerts.services.registry import Services
    from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
    from shared_lib.configuration.environment import current_settings
    from shared_lib.secrets import SecretError, SecretsResource

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logger = logging.getLogger(LOGGER_NAME)
    logger.setLevel(logging.INFO)
    listener = Listener(
        database(),
        Services(SecretsResource(location="orchestration_platform"), SlackWebApi()),
        policies_in_force,
        current_settings(),
        logger,
    )
    try:
        listener.listen()
    except KeyboardInterrupt:
        return 0
    except (SecretError, ServiceUnavailableError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0
