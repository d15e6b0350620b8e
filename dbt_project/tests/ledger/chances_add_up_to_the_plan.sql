{{ config(meta={"dagster": {"ref": {"name": "int_employee_years"}}}) }}

-- The chances to leave of those employed at the start add up to the planned leavers, to a
-- millionth of an employee for each of them, unless more are due to retire than may leave.
select
    ledger.simulation_year,
    years.experienced_terminations,
    sum(ledger.termination_probability) as expected
from {{ ref('int_employee_years') }} as ledger
inner join {{ ref('int_simulation_years') }} as years
    on ledger.simulation_year = years.simulation_year
where ledger.scenario_id = {{ current_scenario() }} and not ledger.is_new_hire
group by ledger.simulation_year, years.experienced_terminations, years.retirement_probabilities
having not coalesce(
    abs(sum(ledger.termination_probability) - years.experienced_terminations)
    <= 0.000001 * count(*)
    or (
        len(years.retirement_probabilities) > 0
        and sum(ledger.termination_probability) > years.experienced_terminations
    ),
    false
)
