"""``make slack``: the stand-in for Slack, which prints what it is told, until Ctrl-C."""

import time

from tests.integration.orchestration_platform.alerts.slack_server import (
    TOKEN,
    Message,
    slack_server,
)

_LOOK_SECONDS = 0.5


def described(message: Message) -> str:
    """A message as a line that says where it stands, and what people read there."""
    place = "in a thread" if message.thread_ts else "a message"
    done = f"changed for the {message.edits}. time" if message.edits else "new"
    return f"--- #{message.channel.lstrip('#')}: {place}, {done}\n{message.shown}\n"


def main() -> None:
    """Serve and print."""
    with slack_server() as slack:
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
    try:
        main()
    except KeyboardInterrupt:
        print()
