"""The code location ``gocardless``."""

import shared_lib  # noqa: F401 - silences warnings about Dagster's beta features
