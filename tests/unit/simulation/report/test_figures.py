"""What the report reads from the marts."""

import math

import pytest
from tests.support.report_marts import (
    GROWTH,
    Movement,
    Scenario,
    add_scenario,
    add_timing,
    empty_marts,
    report_marts,
)

from simulation.report.figures import read_figures


def test_only_the_scenario_asked_for_is_read():
    connection = report_marts(Scenario(name="baseline"))
    add_scenario(
        connection,
        Scenario(
            name="freeze",
            movements=(Movement(2025, 500, 0, 60, 15, 0, 425, "fingerprint-two"),),
            reject_reason="another reason",
            step_name="another_step",
            run_id="run-2",
        ),
    )

    freeze = read_figures(connection, "freeze")

    assert [(year.start_headcount, year.end_headcount) for year in freeze.years] == [(500, 425)]
    assert [year.terminations for year in freeze.years] == [75]
    assert {reject.reason for reject in freeze.rejects} == {"another reason"}
    assert {timing.name for timing in freeze.timings} == {"another_step"}
    assert [configuration.fingerprint for configuration in freeze.configurations] == [
        "fingerprint-two"
    ]
    assert {level.headcount for level in freeze.levels} == {212}
    assert sum(check.measurements for check in freeze.quality) == 2


def test_bands_come_in_their_order_and_not_in_the_alphabet():
    figures = read_figures(report_marts(), "baseline")

    assert [band.band for band in figures.experience if band.dimension == "tenure"] == [
        "<2",
        "2-4",
        "10-19",
    ]
    assert [band.band for band in figures.experience if band.dimension == "level"] == [
        "Staff",
        "Manager",
    ]


def test_experience_is_summed_over_the_years_with_the_error_of_its_cells():
    figures = read_figures(report_marts(), "baseline")

    newest = figures.experience[[band.band for band in figures.experience].index("<2")]
    # two years and two levels: four cells of 100 exposed at a chance of 10 %
    assert (newest.exposed, newest.observed, newest.expected) == (400, 48, 40.0)
    assert newest.standard_error == pytest.approx(math.sqrt(4 * 100 * 0.1 * 0.9))


def test_every_exposed_employee_is_in_one_band_of_each_dimension():
    connection = report_marts()
    connection.execute("delete from staging.stg_tenure_bands where tenure_band = '2-4'")
    connection.execute("delete from staging.stg_job_levels")

    figures = read_figures(connection, "baseline")

    exposed: dict[str, int] = {}
    for band in figures.experience:
        exposed[band.dimension] = exposed.get(band.dimension, 0) + band.exposed
    assert exposed == {"tenure": 1200, "age": 1200, "level": 1200}


def test_rejects_are_counted_by_reason_with_the_first_three_in_order():
    (reject,) = read_figures(report_marts(), "baseline").rejects

    assert reject.rows == 4
    assert reject.row_numbers == [1001, 1002, 1003]
    assert reject.values == [None, "0", "none"]


def test_a_failing_year_decides_over_a_check():
    connection = report_marts()
    connection.execute(
        "update monitoring.mon_data_quality set value = 0.02, status = 'fail' "
        "where check_name = 'growth_deviation' and simulation_year = 2026"
    )

    check = read_figures(connection, "baseline").quality[0]

    assert check.check_name == "growth_deviation"
    assert (check.failures, check.failed_years, check.value) == (1, [2026], 0.02)


def test_timings_are_those_of_the_run_that_is_reported():
    connection = report_marts()
    add_timing(connection, Scenario(), "an earlier run")

    assert {timing.run_id for timing in read_figures(connection, "baseline").timings} == {"run-1"}

    connection.execute("update raw.simulation_run set run_id = 'not recorded yet'")
    assert read_figures(connection, "baseline").timings == []


def test_timings_are_the_last_of_the_scenario_when_another_has_run_since():
    connection = report_marts()
    connection.execute("update monitoring.mon_pipeline_performance set recorded_at = '2026-01-01'")
    add_timing(connection, Scenario(), "its last run")
    connection.execute("update raw.simulation_run set scenario_id = 'another'")

    timings = read_figures(connection, "baseline").timings

    assert {timing.run_id for timing in timings} == {"its last run"}


def test_years_from_two_configurations_are_distinguished():
    movements = (GROWTH[0], Movement(2026, 1030, 207, 124, 0, 52, 1061, "fingerprint-two"))
    figures = read_figures(report_marts(Scenario(movements=movements)), "baseline")

    assert [
        (stretch.fingerprint, stretch.first_year, stretch.last_year, stretch.document is None)
        for stretch in figures.configurations
    ] == [("fingerprint-one", 2025, 2025, False), ("fingerprint-two", 2026, 2026, True)]


def test_an_unknown_scenario_is_named_beside_those_that_exist():
    connection = report_marts(Scenario(name="baseline"))
    add_scenario(connection, Scenario(name="freeze", run_id="run-2"))

    with pytest.raises(ValueError, match=r"'frieze' has no results.*'baseline', 'freeze'"):
        read_figures(connection, "frieze")


def test_an_empty_warehouse_is_an_error_that_names_the_remedy():
    with pytest.raises(ValueError, match="run the simulation first"):
        read_figures(empty_marts(), "baseline")
