"""Prepares a run from the configuration and the census file."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import duckdb

from shared_lib.metadata import column_lineage, relation_metadata
from shared_lib.warehouse import Warehouse
from simulation.assets.census_file import KEY as CENSUS_FILE
from simulation.assets.census_file import existing_census
from simulation.census.files.reading import CensusFile, read_census
from simulation.census.files.sources import check_census
from simulation.census.judgement.findings import Finding, read_findings
from simulation.census.judgement.validation import publish_baseline, validate_census
from simulation.census.judgement.verdict import CensusVerdict
from simulation.census.levels import top_level
from simulation.census.tables import create_tables as create_census_tables
from simulation.config import load_scenario
from simulation.config.census_file import census_path
from simulation.config.request import ScenarioRequest, request_schema
from simulation.config.settings import ScenarioSettings
from simulation.state.partition_status import forget_years
from simulation.state.partitions import scenario_of, years_of
from simulation.state.removal import confirmed_removal
from simulation.state.runs import open_run, record_request, requested_scenario
from simulation.state.stored_years import completed_years
from simulation.state.tables import create_tables


@dg.asset(config_schema=request_schema())
def simulation_config(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> dg.MaterializeResult:
    """The complete, checked settings of the scenario to run."""
    config = ScenarioRequest(**(context.op_execution_context.op_config or {}))
    scenario_id = scenario_of(context.run.tags, requested=config.scenario)
    settings = load_scenario(scenario_id, changes=config.changes())
    check_census(
        settings.census.path,
        mappings=settings.census.mappings,
        mapping_name=settings.census.mapping,
    )
    with warehouse.writing() as connection:
        create_tables(connection)
        create_census_tables(connection)
        record_request(
            connection,
            scenario_id=scenario_id,
            settings=settings,
            resume=config.resume,
            replace=config.replace,
        )
        metadata = _described(connection, "simulation_config")
    _tag(context, scenario=scenario_id, census=census_path(settings).name)
    context.log.info(f"scenario {scenario_id}, {settings.simulation.start_year} onwards")
    return dg.MaterializeResult(
        metadata={
            **metadata,
            "scenario": scenario_id,
            "settings": dg.MetadataValue.json(settings.model_dump(mode="json")),
        }
    )


@dg.asset(
    deps=[simulation_config, CENSUS_FILE],
)
def census(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    """The rows of the census file, as text, in the platform's own column names."""
    with warehouse.writing() as connection:
        scenario_id, settings, _ = requested_scenario(connection)
        path = existing_census(settings)
        file = read_scenario_census(connection, scenario_id=scenario_id, settings=settings)
        metadata = _described(connection, "census")
    context.log.info(f"read {file.rows:,} rows from {path} with mapping {file.mapping}")
    for sentence in file.assumptions:
        context.log.info(sentence)
    return dg.MaterializeResult(
        metadata={
            **metadata,
            "file": str(path),
            "mapping": file.mapping,
            "assumptions": dg.MetadataValue.md("\n".join(f"- {one}" for one in file.assumptions)),
            "rows_of_scenario": file.rows,
            "sha256": file.digest,
        }
    )


def read_scenario_census(
    connection: duckdb.DuckDBPyConnection, *, scenario_id: str, settings: ScenarioSettings
) -> CensusFile:
    """Read the scenario's file, which is generated if none is configured."""
    return read_census(
        connection,
        path=existing_census(settings),
        scenario_id=scenario_id,
        mappings=settings.census.mappings,
        mapping_name=settings.census.mapping,
    )


def validate_scenario_census(
    connection: duckdb.DuckDBPyConnection, *, scenario_id: str, settings: ScenarioSettings
) -> CensusVerdict:
    """Validate what :func:`read_scenario_census` has read."""
    return validate_census(
        connection,
        scenario_id=scenario_id,
        census_name=existing_census(settings).name,
        opening_date=settings.opening_date,
        day_before_start=settings.day_before_start,
        top_level=top_level(),
        reject_share_limit=settings.census.maximum_reject_share,
        sums_positions=settings.census.second_positions == "sum",
        hire_pay_percentile=settings.hiring.pay_percentile,
        bands=settings.tables.pay_bands(),
    )


@dg.asset(
    deps=[census],
    check_specs=[
        dg.AssetCheckSpec(
            "census_reject_share",
            asset="census_data_validation",
            blocking=True,
            description="No larger share of the census is rejected than is configured.",
        ),
        dg.AssetCheckSpec(
            "census_is_plausible",
            asset="census_data_validation",
            description=(
                "Pay lies in the bands, hires are recent and paid by the bands, and ages and "
                "levels are not invented."
            ),
        ),
        dg.AssetCheckSpec(
            "census_is_complete",
            asset="census_data_validation",
            description="No row was set aside, as totals, leavers and later hires are.",
        ),
    ],
)
def census_data_validation(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> dg.MaterializeResult:
    """The verdict on each census row: accepted, left before the start, or rejected and why."""
    with warehouse.writing() as connection:
        scenario_id, settings, _ = requested_scenario(connection)
        verdict = validate_scenario_census(connection, scenario_id=scenario_id, settings=settings)
        findings = read_findings(connection, scenario_id)
        metadata = _described(connection, "census_data_validation")
    context.log.info(
        f"{verdict.rows_accepted:,} rows accepted, {verdict.rows_rejected:,} rejected, "
        f"{verdict.rows_left_before_start:,} had left before, {verdict.rows_set_aside:,} set aside"
    )
    for finding in findings:
        log = context.log.warning if finding.is_warning else context.log.info
        log(finding.sentence)
    return dg.MaterializeResult(
        metadata={
            **metadata,
            "rejected": verdict.rows_rejected,
            "reasons": dg.MetadataValue.json(verdict.reasons),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="census_reject_share",
                passed=verdict.within_limit,
                description=(
                    f"{verdict.reject_share:.2%} of the census rows were rejected, allowed are "
                    f"{settings.census.maximum_reject_share:.2%}; raw.census_rejects has each "
                    "row with its reason"
                ),
                metadata={
                    "reject_share": verdict.reject_share,
                    "limit": settings.census.maximum_reject_share,
                    "reasons": dg.MetadataValue.json(verdict.reasons),
                },
            ),
            _sentences_result("census_is_plausible", findings, {"plausibility"}),
            _sentences_result("census_is_complete", findings, {"left out", "employed"}),
        ],
    )


def _sentences_result(
    check_name: str, findings: list[Finding], topics: set[str]
) -> dg.AssetCheckResult:
    """Return a pass if there is nothing to report on the topics, else a warning."""
    sentences = [finding.sentence for finding in findings if finding.topic in topics]
    return dg.AssetCheckResult(
        check_name=check_name,
        passed=not sentences,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(sentences) or "nothing was found",
    )


@dg.asset(
    deps=[census_data_validation],
)
def baseline_workforce_validated(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> dg.MaterializeResult:
    """The accepted employees still employed when the first year begins, with typed columns."""
    with warehouse.writing() as connection:
        scenario_id, _, _ = requested_scenario(connection)
        employees = publish_baseline(connection, scenario_id=scenario_id)
        metadata = _described(connection, "baseline_workforce_validated", copied_from="census")
    context.log.info(f"{employees:,} employees at the start")
    return dg.MaterializeResult(metadata={**metadata, "employees": employees})


@dg.asset(
    deps=[simulation_config, baseline_workforce_validated],
)
def simulation_run(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    """The years to compute; the run is refused if the state before them is missing."""
    years = years_of(context)
    with warehouse.writing() as connection:
        removal = confirmed_removal(connection, first_year=years[0])
        if removal:
            context.log.warning(f"removing {removal}")
        opened = open_run(
            connection,
            run_id=context.run.root_run_id or context.run.run_id,
            first_year=years[0],
            last_year=years[-1],
        )
        metadata = _described(connection, "simulation_run")
        kept = completed_years(connection, opened.scenario_id).keys() | set(years)
    if removal:
        forget_years(context.instance, scenario_id=opened.scenario_id, kept=kept)
    _tag(context, years=f"{years[0]}-{years[-1]}", fingerprint=opened.fingerprint)
    if opened.first_year > years[0]:
        context.log.info(
            f"years {years[0]} to {opened.first_year - 1} are complete: "
            f"going on from {opened.first_year}"
        )
    return dg.MaterializeResult(
        metadata={
            **metadata,
            "scenario": opened.scenario_id,
            "fingerprint": opened.fingerprint,
            "first_year": opened.first_year,
            "last_year": opened.last_year,
        }
    )


def _tag(context: dg.AssetExecutionContext, **tags: str) -> None:
    """Add tags to the run, by which it is found in the UI and over the API."""
    context.instance.add_run_tags(context.run.run_id, tags)


def _described(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    *,
    copied_from: str | None = None,
) -> Mapping[str, Any]:
    """Return the scenario's rows and schema of a raw table, and its columns' lineage."""
    scenario_id, _, _ = requested_scenario(connection)
    metadata = relation_metadata(connection, "raw", table, counted={"scenario_id": scenario_id})
    if copied_from is not None:
        upstream = dg.AssetKey(copied_from)
        names = [column.name for column in metadata["dagster/column_schema"].columns]
        metadata |= column_lineage({name: [(upstream, name)] for name in names})
    return metadata
