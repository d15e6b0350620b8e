"""A logger that shows the user the progress of a run, one line per action."""

import logging
import os
import time

import dagster as dg

_STANDARD_ERROR = 2


class _ProgressHandler(logging.Handler):
    """Prints the messages, starts and errors of steps, with the seconds elapsed."""

    def __init__(self, descriptor: int) -> None:
        from rich.console import Console

        super().__init__(logging.INFO)
        self._started = time.monotonic()
        # A copy, made before the first step: Dagster redirects standard error to that step's
        # compute log.
        stream = os.fdopen(os.dup(descriptor), "w", buffering=1, encoding="utf-8")
        self._console = Console(file=stream, highlight=False, soft_wrap=True)

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        step = meta.get("step_key") or ""
        if event is None:
            text, style = meta.get("orig_message", record.getMessage()), None
        elif event.event_type_value == "STEP_START":
            text, style = "started", "dim"
        elif event.event_type_value == "STEP_FAILURE":
            text, style = "failed", "bold red"
        else:
            return
        if text.endswith("Not executing."):
            return  # logged for every step after a failed one
        if text.startswith("Data version mismatch for asset"):
            # Runs of two scenarios materialise the same views, each with its own version. Each
            # reads its own; the other one's is the newest, by which Dagster tells what is stale.
            return
        if record.levelno >= logging.ERROR:
            style = "bold red"
        elapsed = time.monotonic() - self._started
        self._console.print(f"{elapsed:6.1f} s  {step:<30} {text}", style=style, markup=False)


@dg.logger(
    config_schema={
        "descriptor": dg.Field(
            int,
            default_value=_STANDARD_ERROR,
            description="File descriptor to print to; standard error if left out.",
        )
    },
    description="One line for each thing a run has done, for people at a terminal.",
)
def progress_logger(init_context: dg.InitLoggerContext) -> logging.Logger:
    """The logger ``progress``, which the command line requests in its run configuration."""
    logger = logging.Logger("simulation.run.progress", logging.INFO)
    logger.addHandler(_ProgressHandler(init_context.logger_config["descriptor"]))
    return logger
