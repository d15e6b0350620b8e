"""The code location ``orchestration_platform``."""

import shared_lib  # noqa: F401 - declares the beta features of Dagster in use
