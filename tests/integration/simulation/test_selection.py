"""A part of the models can be built by itself, with its checks and no others."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
from tests.integration.simulation.conftest import Finished
from tests.integration.simulation.launching import instance
from tests.integration.simulation.results import outcome


def test_selected_models_are_built_with_their_checks(
    begin_with: Callable[[Finished], Path], finished: Finished
) -> None:
    from simulation.definitions import defs

    warehouse = begin_with(finished)
    before = outcome(warehouse)
    with instance() as found:
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=found,
            partition_key="baseline|2025",
            asset_selection=[dg.AssetKey("fct_year_summary"), dg.AssetKey("fct_level_mix")],
        )

    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    evaluated = {evaluation.check_name for evaluation in result.get_asset_check_evaluations()}
    assert made == {"fct_year_summary", "fct_level_mix", "pipeline_timings"}
    assert evaluated == {"level_shares_sum_to_one", "headcount_adds_up_and_meets_the_target"}
    assert outcome(warehouse) == before
