"""``make slack``: a stand-in for Slack that prints what it receives, until Ctrl-C."""

import argparse
import sys
import time
from collections.abc import Sequence

from sandboxes.slack.server import (
    TOKEN,
    Message,
    slack_server,
)

_LOOK_SECONDS = 0.5


def described(message: Message) -> str:
    """Return a line with the place of a message, and what people read there."""
    place = "in a thread" if message.thread_ts else "a message"
    done = f"changed for the {message.edits}. time" if message.edits else "new"
    return f"--- #{message.channel.lstrip('#')}: {place}, {done}\n{message.shown}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve and print until interrupted; the exit status is 0, or 1 when it cannot serve."""
    parser = argparse.ArgumentParser(prog="make slack", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=0, help="on 127.0.0.1; 0, the default: a free one"
    )
    asked = parser.parse_args(arguments)
    try:
        _serve(asked.port)
    except KeyboardInterrupt:
        print()
    except (OSError, OverflowError) as error:
        print(f"--port {asked.port}: {error}", file=sys.stderr)
        return 1
    return 0


def _serve(port: int) -> None:
    with slack_server(port=port) as slack:
        print(f"export SLACK_API_URL={slack.url}")
        print(f"export ORCHESTRATION_PLATFORM_SLACK__TOKEN={TOKEN}", flush=True)
        printed: dict[str, int] = {}
        while True:
            for message in list(slack.messages):
                if printed.get(message.ts) != message.edits:
                    printed[message.ts] = message.edits
                    print(described(message), flush=True)
            time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
