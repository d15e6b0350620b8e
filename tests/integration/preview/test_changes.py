"""Known changes of a working tree, and what a preview shows of them."""

from pathlib import Path

from preview import dbt_project
from preview.dbt_project import Project
from preview.making import make_preview
from preview.models import Scope, compare_models
from preview.page import in_short, markdown_of, page_of
from tests.integration.preview.conftest import Change

BANK = "dbt_project/models/bank/marts"
LOCATION = "code_locations/gocardless/gocardless"
POLICIES = (
    "code_locations/orchestration_platform/orchestration_platform/alerts/policies/"
    "alert_policies.yaml"
)


def test_a_change_of_bank_marts_and_of_what_runs_them(
    repository: Path, change: Change, tmp_path: Path
) -> None:
    change(f"{BANK}/spend_by_tag_monthly.sql", "count(*) as", "2 * count(*) as")
    change(f"{BANK}/bank_transactions.sql", "booked.description,\n    booked.counterparty",
           "upper(booked.description) as description,\n    booked.counterparty")  # fmt: skip
    change(f"{BANK}/bank_balances_daily.sql", "days.provider,", "days.no_such_column,")
    change(
        f"{LOCATION}/orchestration.yaml",
        "match: [bank_transactions, ",
        "match: [bank_accounts_seen, bank_transactions, ",
    )
    change(f"{LOCATION}/orchestration.yaml", 'cron: "15 ', 'cron: "45 ')
    change(f"{LOCATION}/orchestration.yaml", "  columns_of_transactions_stay:", "  columns_stay:")
    (repository / BANK / "bank_accounts_seen.sql").write_text(
        "select distinct account_id from {{ ref('bank_transactions') }}"
    )
    change(POLICIES, "name: slack_on_stale_asset", "name: chat_on_stale_asset")
    said: list[str] = []

    preview = make_preview(repository, "main", with_samples=True, say=said.append)

    changes = {
        (one.kind, one.name, one.what): {
            field.name: (field.before, field.after) for field in one.fields
        }
        for one in preview.definitions
    }
    assert changes == {
        ("assets", "spend_by_tag_monthly", "changed"): {"code": ("", "differs")},
        ("assets", "bank_transactions", "changed"): {"code": ("", "differs")},
        ("assets", "bank_balances_daily", "changed"): {"code": ("", "differs")},
        ("assets", "bank_accounts_seen", "added"): {},
        ("jobs", "enable_banking_sync_job", "changed"): {"assets": ("", "with bank_accounts_seen")},
        ("jobs", "gocardless_sync_job", "changed"): {"assets": ("", "with bank_accounts_seen")},
        ("checks", "bank_transactions:columns_of_transactions_stay", "removed"): {},
        ("checks", "bank_transactions:columns_stay", "added"): {},
        ("schedules", "gocardless_daily_sync", "changed"): {"cron": ("15 6 * * *", "45 6 * * *")},
        ("alert policies", "slack_on_stale_asset", "removed"): {},
        ("alert policies", "chat_on_stale_asset", "added"): {},
    }
    models = {one.name: one for one in preview.models}
    assert {name: one.what for name, one in models.items()} == {
        "spend_by_tag_monthly": "changed",
        "bank_transactions": "changed",
        "bank_balances_daily": "changed",
        "bank_accounts_seen": "added",
        "bank_balances_reconciled": "downstream",
        "cash_flow_monthly": "downstream",
    }
    spend = models["spend_by_tag_monthly"].difference
    assert spend is not None
    assert spend.key == ("tag", "currency", "month")
    assert spend.changed_values == {"transactions": spend.new_rows}
    of_transactions = models["bank_transactions"].difference
    assert of_transactions is not None
    assert of_transactions.key == ("transaction_key",)
    assert list(of_transactions.changed_values) == ["description"]
    untouched = models["cash_flow_monthly"].difference
    assert untouched is not None
    assert untouched.is_none
    added = models["bank_accounts_seen"].difference
    assert added is not None
    assert (added.base_rows, added.new_rows) == (None, 4)
    assert "no_such_column" in models["bank_balances_daily"].failure
    assert models["bank_balances_reconciled"].failure
    assert preview.has_failed
    assert in_short(preview) == (
        "4 assets, 2 checks, 2 jobs, 1 schedule, 2 alert policies, 4 dbt models, "
        "2 downstream of them"
    )
    text, page = markdown_of(preview), page_of(preview)
    [shown, *_] = [one.values["description"] for one in of_transactions.samples]
    described = shown.rpartition(" → ")[2]
    assert described in page
    assert described not in text  # a person's
    assert "that differ" not in text  # a month of a tag can be one payment
    assert "three banks of the sandbox" in text
    assert "<script" not in page
    assert not list(tmp_path.glob("data/*"))  # no warehouse was made


def test_a_change_of_a_rule_simulates_the_scenario_by_both_rules(
    repository: Path, change: Change, parsed_base: Project, tmp_path: Path
) -> None:
    change(
        "dbt_project/models/intermediate/int_hazards.sql",
        "leaving_level.multiplier as",
        "sqrt(leaving_level.multiplier) as",
    )
    change(
        "dbt_project/models/marts/fct_year_summary.sql",
        "    movement.paid_compensation,\n",
        "    movement.paid_compensation + 1 as paid_compensation,\n",
    )
    (repository / "dbt_project/models/monitoring/mon_pipeline_performance.sql").unlink()
    new = dbt_project.parse(repository, tmp_path / "dbt")
    modified = dbt_project.modified(new, parsed_base)
    assert modified == {"model.workforce.int_hazards", "model.workforce.fct_year_summary"}
    everything = dict.fromkeys(new.manifest["nodes"], "simulation")
    scope = Scope.of(parsed_base, new, modified, everything)

    changes, inputs = compare_models(scope, work=tmp_path, with_samples=False, say=lambda _: None)

    assert [one.failure for one in changes if one.failure] == []
    found = {one.name: one.difference for one in changes if one.difference}
    assert {"int_employee_years", "fct_workforce_snapshot", "mon_data_quality"} < set(found)
    assert "stg_hazards" not in found
    assert [one.name for one in changes if one.what == "removed"] == ["mon_pipeline_performance"]
    assert found["mon_pipeline_performance"].new_rows is None
    levels_with_a_hazard = 4  # that of one level is 1, whose root is 1
    assert found["int_hazards"].key == ("age_band", "tenure_band", "level")
    assert found["int_hazards"].changed_values == {
        "termination_weight": levels_with_a_hazard * 6 * 5
    }
    summary = found["fct_year_summary"]
    assert (summary.base_rows, summary.key) == (3, ("scenario_id", "simulation_year"))
    assert summary.changed_values["paid_compensation"] == 3
    # others leave, but as many: the plan says how many
    assert "end_headcount" not in summary.changed_values
    assert found["int_employee_years"].changed > 0
    # rows of the marked marts alone
    assert {one.name for one in changes if one.difference and one.difference.samples} == {
        "fct_year_summary", "fct_compensation_growth", "mon_data_quality",
    }  # fmt: skip
    assert inputs.notes["simulation"].endswith("baseline is simulated from 2025 to 2027 by both")
