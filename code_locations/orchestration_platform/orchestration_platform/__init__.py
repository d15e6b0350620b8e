"""The code location of this name."""

import shared_lib  # noqa: F401 - says which beta features of Dagster are meant
