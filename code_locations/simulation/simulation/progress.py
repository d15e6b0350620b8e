"""A logger that tells a person what a run is doing, a line for each thing that is done."""

import logging
import time

import dagster as dg


class _ProgressHandler(logging.Handler):
    """Prints what steps say, when they start, and what went wrong, with the seconds so far."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._started = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        from rich.console import Console

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
            return  # said of every step after a failed one
        if record.levelno >= logging.ERROR:
            style = "bold red"
        elapsed = time.monotonic() - self._started
        Console(highlight=False, soft_wrap=True).print(
            f"{elapsed:6.1f} s  {step:<30} {text}", style=style, markup=False
        )


@dg.logger(description="One line for each thing a run has done, for people at a terminal.")
def progress_logger(_context: dg.InitLoggerContext) -> logging.Logger:
    """The logger ``progress``, which the command line asks for in its run configuration."""
    logger = logging.Logger("simulation.progress", logging.INFO)
    logger.addHandler(_ProgressHandler())
    return logger
