"""Data that stops coming is noticed: ended connections, old answers, and who hears of it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.connections import main
from gocardless.definitions import defs
from gocardless.sync.assets import ended_result, fresh_result
from gocardless.sync.connection_ends import ended_connections, renewal
from gocardless.sync.freshness import account_freshness
from gocardless.sync.reference_data import sync_accounts, sync_connections
from orchestration_platform.alerts.facts.alert import Alert, Severity
from orchestration_platform.alerts.policies.policy import POLICIES_FILE, load_policies
from shared_lib.warehouse import write_warehouse

pytest_plugins = ("tests.integration.gocardless.bank_platform",)

SYNCED_AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


def resync(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Take the connections and accounts; returns the ids of those that have ended."""
    sync_connections(connection, GOCARDLESS)
    sync_accounts(connection, GOCARDLESS, now=SYNCED_AT)
    return [one.connection_id for one in ended_connections(connection)]


def end(connection: duckdb.DuckDBPyConnection, how: str) -> str:
    """End the first connection; returns its id."""
    [(first,)] = connection.execute(
        "select min(requisition_id) from raw.gc_requisitions"
    ).fetchall()
    change = (
        "last_seen_at = last_seen_at - interval 1 day" if how == "deleted" else f"status = '{how}'"
    )
    connection.execute(f"update raw.gc_requisitions set {change} where requisition_id = ?", [first])
    return first


@pytest.mark.parametrize("how", ["EX", "SU", "RJ", "deleted"])
def test_an_ended_connection_fails_the_check_until_it_is_dismissed(
    synced: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with write_warehouse(synced) as connection:
        assert resync(connection) == []
        first = end(connection, how)
        assert resync(connection) == [first]
        assert resync(connection) == [first]
        result = ended_result(ended_connections(connection))
    assert not result.passed
    assert f"({how})" in str(result.description)
    assert f"dismiss {first}" in str(result.description)
    assert main(["dismiss", "0b5f2a34-7d18-4c0e-9a61-3f1d2c8e9b70"]) == 1
    assert first in capsys.readouterr().err
    assert main(["ended"]) == 0
    assert first in capsys.readouterr().out
    assert main(["dismiss", first, "--by", "anna"]) == 0
    with write_warehouse(synced) as connection:
        assert resync(connection) == []
        # back, and over once more
        connection.execute("update raw.gc_requisitions set status = 'LN', last_seen_at = listed_at "
                           "from raw.gc_last_listing")  # fmt: skip
        assert resync(connection) == []
        assert end(connection, how) == first
        assert resync(connection) == [first]


@pytest.mark.parametrize("renewed_id", ["its own", "another"])
def test_a_new_connection_of_every_account_replaces_an_ended_one(
    synced: Path, renewed_id: str
) -> None:
    with write_warehouse(synced) as connection:
        first = end(connection, "EX")
        resync(connection)
        connection.execute(
            "create temp table renewed as select * replace ('renewed' as requisition_id, "
            "'LN' as status, first_seen_at + interval 1 day as first_seen_at) "
            "from raw.gc_requisitions where requisition_id = ?",
            [first],
        )
        if renewed_id == "another":
            for table in ("gc_bank_accounts", "gc_account_details"):
                connection.execute(
                    f"insert into raw.{table} select * replace (account_id || '-2' as account_id) "
                    f"from raw.{table} "
                    "where list_contains((select account_ids from renewed), account_id)"
                )
            connection.execute(
                "update renewed set account_ids = [account || '-2' for account in account_ids]"
            )
        connection.execute("insert into raw.gc_requisitions from renewed")
        assert resync(connection) == []


def test_a_connection_that_never_was_active_is_not_missed(synced: Path) -> None:
    with write_warehouse(synced) as connection:
        connection.execute(
            "insert into raw.gc_requisitions select * replace ('stopped' as requisition_id, "
            "'RJ' as status, [] as account_ids) from raw.gc_requisitions limit 1"
        )
        assert resync(connection) == []


def test_an_account_without_an_answer_for_days_is_a_warning_with_its_age(synced: Path) -> None:
    with write_warehouse(synced) as connection:
        today = connection.execute("select max(fetched_at)::date from raw.gc_fetches").fetchall()[
            0
        ][0]
        last = dict(
            connection.execute(
                "select account_id, max(booking_date) from unified.transactions "
                "where status = 'booked' and booking_date <= ? group by all",
                [today],
            ).fetchall()
        )
        connection.execute(
            "update raw.gc_fetches set fetched_at = fetched_at - interval 5 day "
            "where account_id = (select min(account_id) from raw.gc_fetches)"
        )

        def found(on: date):
            return account_freshness(connection, GOCARDLESS, today=on)

        [stale, *others] = found(today)
        assert (stale.answer_days, {one.answer_days for one in others}) == (5, {0})
        assert stale.entry_days == (today - last[stale.account_id]).days
        result = fresh_result(found(today), stale_days=3)
        assert not result.passed
        assert result.description == f"{stale.name} was last answered 5 days ago"
        assert fresh_result(found(today), stale_days=5).passed
        assert not fresh_result(found(today + timedelta(days=4)), stale_days=8).passed
        connection.execute("delete from raw.gc_fetches where account_id = ?", [stale.account_id])
        assert str(found(today)[0]).endswith("has never been answered")


class NoWebserver:
    """Knows no asset: what is shipped has to work without a webserver."""

    def in_group(self, asset: str, *, group: str, location: str) -> bool:
        raise AssertionError(f"asks for the group {group} of {location} about {asset}")

    def selected(self, asset: str, selection: str) -> bool:
        raise AssertionError(f"asks for {selection} about {asset}")


@pytest.mark.parametrize(
    "event_type", ["ASSET_CHECK_SEVERITY_WARN", "ASSET_CHECK_SEVERITY_ERROR",
                   "ASSET_CHECK_EXECUTION_FAILURE"],
)  # fmt: skip
def test_every_check_of_the_location_reaches_a_shipped_policy(event_type: str) -> None:
    policies = load_policies(POLICIES_FILE)
    unheard = [
        key.to_user_string()
        for key in defs.get_repository_def().asset_graph.asset_check_keys
        if not any(
            policy.enabled and policy.covers(alert_of(key, event_type), {}, NoWebserver())
            for policy in policies
        )
    ]
    assert unheard == []


def alert_of(check: dg.AssetCheckKey, event_type: str) -> Alert:
    """The alert of a check that did not pass, as far as policies look at it."""
    return Alert(
        event_type=event_type,
        severity=Severity.WARNING,
        kind="Asset check",
        subject=check.name,
        at=0,
        location="gocardless",
        assets=(check.asset_key.to_user_string(),),
    )


def test_the_command_that_renews_a_connection_can_be_pasted() -> None:
    assert renewal("gocardless", "SANDBOXFINANCE_SFIN0000").endswith(
        "`python -m gocardless.connect --provider gocardless --bank SANDBOXFINANCE_SFIN0000` prints"
    )
    assert renewal("enable_banking", "FI:Nordea's Bank").endswith(
        "`python -m gocardless.connect --provider enable_banking "
        """--bank 'Nordea'"'"'s Bank' --country FI` prints"""
    )
    assert renewal("gocardless", None) == "its owner has to connect the bank again"
