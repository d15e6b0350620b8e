"""Sections of ``orchestration.yaml`` as components, each of which can be used alone."""

from typing import Any, ClassVar

import dagster as dg
from pydantic import Field, create_model

from shared_lib.components.strict import StrictComponent
from shared_lib.configuration.section import Section
from shared_lib.discovery.configuration import LocationConfiguration
from shared_lib.discovery.definitions.checks import build_checks, freshness_checks, invalid_sql
from shared_lib.discovery.definitions.jobs import build_jobs
from shared_lib.discovery.definitions.partitions import build_partitions
from shared_lib.discovery.definitions.problems.names import reserved_names
from shared_lib.discovery.definitions.problems.references import unknown_names
from shared_lib.discovery.definitions.schedules import build_schedules
from shared_lib.discovery.definitions.sensors import build_sensors


class SectionsComponent(StrictComponent[Any]):
    """A component whose attributes are some sections of ``orchestration.yaml``, unchanged.

    What they name need not be in the same file: Dagster looks for it in the whole project.
    """

    produces: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, *, sections: tuple[str, ...], **more: Any) -> None:
        """Derive the model of the attributes.

        Args:
            sections: the names of the sections.
            more: further attributes, each with type and field.
        """
        super().__init_subclass__()
        known = LocationConfiguration.model_fields
        fields: dict[str, Any] = {name: (known[name].annotation, known[name]) for name in sections}
        cls.checked_by = create_model(cls.__name__, __base__=Section, **fields, **more)

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """Return what Dagster's UI lists of the component."""
        return dg.ComponentTypeSpec(produces=cls.produces)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Build the definitions of the sections.

        Raises:
            ConfigurationError: lists every problem that needs no other part of the project.
        """
        package = context.defs_relative_module_name(context.path)
        configuration = self.configuration
        # nothing can be built with such a name
        self.report_all(list(reserved_names(configuration)))
        partitions, problems = build_partitions(configuration.partitions, package=package)
        jobs, found = build_jobs(
            configuration.jobs, definitions=self.report, partitions=partitions, package=package
        )
        problems += found
        schedules, found = build_schedules(configuration.schedules, jobs=jobs, partitions_of=None)
        problems += found
        sensors, found = build_sensors(
            configuration.sensors,
            jobs=jobs,
            partitions_of=None,
            freshness_checks=freshness_checks(configuration.checks),
            package=package,
        )
        problems += [*found, *invalid_sql(configuration.checks)]
        # jobs may be elsewhere in the project, but partitions are only named here
        names = unknown_names(configuration, {"partitions": configuration.partitions})
        problems += [problem for problem in names if problem.location[-1] == "partitions"]
        self.report_all(problems)
        pool = getattr(self.attributes, "pool", None)
        return dg.Definitions(
            asset_checks=list(build_checks(configuration.checks, pool=pool).values()),
            jobs=list(jobs.values()),
            schedules=schedules,
            sensors=sensors,
        )

    @property
    def configuration(self) -> LocationConfiguration:
        """The sections, as those of a file without any other."""
        known = LocationConfiguration.model_fields
        return LocationConfiguration.model_validate(
            {name: value for name, value in self.attributes if name in known}
        )


class Jobs(SectionsComponent, sections=("partitions", "jobs", "schedules", "sensors")):
    """Jobs of assets or of functions, perhaps with the schedules and sensors that start them.

    A selection is resolved among all assets of the project. A `run_status` sensor has to be in
    the same component as its job.

    .. code-block:: yaml

        type: shared_lib.components.Jobs
        attributes:
          jobs:
            nightly_job:
              selection: "group:default"
              retry_on_failure: 1
          schedules:
            nightly:
              job: nightly_job
              cron: "0 5 * * *"
              timezone: Europe/Berlin
    """

    produces = ("job", "schedule", "sensor")


class Schedules(SectionsComponent, sections=("schedules",)):
    """Runs of the project's jobs by the clock, whichever way the jobs are defined.

    .. code-block:: yaml

        type: shared_lib.components.Schedules
        attributes:
          schedules:
            nightly:
              job: nightly_job
              cron: "0 5 * * *"
              skip_while_running: true
    """

    produces = ("schedule",)


class Sensors(SectionsComponent, sections=("sensors",)):
    """Runs of the project's jobs when a file arrives, an asset is made or a function says so.

    A `run_status` sensor belongs in the component `Jobs` and a `freshness` sensor in
    `WarehouseChecks`.

    .. code-block:: yaml

        type: shared_lib.components.Sensors
        attributes:
          sensors:
            new_orders:
              type: file
              job: import_job
              directory: /data/incoming
              glob: "*.csv"
    """

    produces = ("sensor",)


class WarehouseChecks(
    SectionsComponent,
    sections=("checks", "sensors"),
    pool=(
        str | None,
        Field(default=None, description="Concurrency pool of the checks that query."),
    ),
):
    """Checks of assets: rows, keys and conditions in the warehouse, anomalies, freshness.

    Checks with a `relation` use the resource `warehouse` of the project, a
    `shared_lib.warehouse.Warehouse`. A `freshness` sensor has to be in the same component as its
    checks.

    .. code-block:: yaml

        type: shared_lib.components.WarehouseChecks
        attributes:
          checks:
            order_ids_are_unique:
              type: unique
              asset: orders
              relation: raw.orders
              columns: [id]
            orders_are_recent:
              type: freshness
              asset: orders
              max_age_minutes: 1440
    """

    produces = ("asset_check", "sensor")
