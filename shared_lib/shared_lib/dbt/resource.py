"""The ``dbt`` command of this environment, as a Dagster resource."""

from functools import cached_property
from importlib.metadata import version as installed_version

from dagster_dbt import DbtCliResource
from packaging.version import Version

from shared_lib.dbt.project import DBT_EXECUTABLE, PROJECT_DIRECTORY


class DbtCommand(DbtCliResource):
    """``DbtCliResource`` without the two starts of dbt that precede the one that is wanted.

    Its adapter, a copy of dbt in Dagster's own process, serves ``fetch_row_counts`` and
    ``fetch_column_metadata``; the platform reads both itself (:mod:`shared_lib.dbt.execution`),
    because the adapter leaves the DuckDB file locked. The version it asks ``dbt --version`` for
    is that of the installed package. Together they would put off every run by 3 to 6 s, and no
    public option leaves them out.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(installed_version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Create no adapter: the invocation accepts None."""


def dbt_command() -> DbtCommand:
    """The command for the one project, by path, so that PATH need not hold it."""
    return DbtCommand(
        project_dir=str(PROJECT_DIRECTORY),
        profiles_dir=str(PROJECT_DIRECTORY),
        dbt_executable=str(DBT_EXECUTABLE),
    )
