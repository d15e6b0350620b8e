"""Balances and opening balances that follow, where stored amounts are signed or read anew."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from gocardless.extraction.reading.entries import read_balances
from gocardless.extraction.reading.rebuilding import differences, differs
from gocardless.extraction.tables import BALANCES
from gocardless.extraction.transactions import account_currencies
from gocardless.extraction.writing import stage
from gocardless.sync.balances import list_reports, own_money, standard_type
from gocardless.sync.ledger.signs import REVERSED
from gocardless.sync.provider import Provider
from shared_lib.warehouse.rows import add_rows

_KEY = "provider, account_id, balance_type, currency, reference_date"
_READ = ("balance_type", "reference_date", "amount", "currency", "credit_limit_included")


@contextmanager
def openings_follow(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let opening balances follow what the body changes: no difference appears, and none goes.

    What a report and the transactions until then become, the opening balance becomes too. The body
    writes into ``restated`` which reports it has changed.

    Args:
        connection: a warehouse with the unified tables and those of balances, in a transaction.
    """
    connection.execute(
        f"create or replace temp table restated as select {_KEY}, amount as was, "  # noqa: S608 - own names
        "balance_type as new_type, currency as new_currency, reference_date as new_date, "
        "amount as new_amount, credit_limit_included as new_included "
        "from unified.balances where false"
    )
    connection.execute(
        f"""
        create or replace temp table openings as
        select
            opening.*, settled.booked,
            -- of several of a day, the one that the opening balance was reckoned from
            (
                select first(
                    report.amount order by
                        abs({own_money("report", "settings")} - opening_balance - settled.booked),
                        report.amount
                )
                from unified.balances as report
                left join unified.account_settings as settings using (provider, account_id)
                where report.provider = opening.provider
                    and report.account_id = opening.account_id
                    and report.currency = opening.currency
                    and report.balance_type = opening.balance_type
                    and report.reference_date = opening.anchored_on
            ) as reported
        from unified.opening_balances as opening
        inner join ({_SETTLED}) as settled using (provider, account_id, currency)
        """  # noqa: S608 - own names
    )
    yield
    connection.execute(
        f"""
        update unified.opening_balances as t set
            opening_balance = t.opening_balance + openings.booked - settled.booked
                + coalesce(restated.new_amount - restated.was, 0)
        from openings
        inner join ({_SETTLED}) as settled using (provider, account_id, currency)
        left join restated
            on restated.provider = openings.provider
                and restated.account_id = openings.account_id
                and restated.currency = openings.currency
                and restated.balance_type = openings.balance_type
                and restated.reference_date = openings.anchored_on
                and restated.was = openings.reported
        where t.provider = openings.provider and t.account_id = openings.account_id
            and t.currency = openings.currency
        """  # noqa: S608 - own names
    )


# what was booked until the report that an opening balance was reckoned from
_SETTLED = """
    select
        opening.provider, opening.account_id, opening.currency,
        coalesce(sum(row.amount) filter (
            row.status = 'booked' and row.booking_date <= opening.anchored_on
        ), 0) as booked
    from unified.opening_balances as opening
    left join unified.transactions as row using (provider, account_id, currency)
    group by all
"""


def reverse_balances(
    connection: duckdb.DuckDBPyConnection, provider: str, account_id: str, *, files: Provider
) -> None:
    """Reverse what banks have reported of an account, whose sign has changed; not what files have.

    Args:
        connection: a warehouse within :func:`openings_follow`.
        provider: where the account was learned.
        account_id: the account.
        files: the provider of statement files.
    """
    list_reports(connection, files)
    connection.execute(
        f"insert into restated select {_KEY}, amount, balance_type, currency, reference_date, "  # noqa: S608 - own names
        "-amount, credit_limit_included from unified.balances "
        f"anti join reports using ({_KEY}, amount) where provider = ? and account_id = ?",
        [provider, account_id],
    )
    _restate(connection)


def rebuild_balances(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Read the payload of each report again, and write what differs.

    Args:
        connection: a warehouse within :func:`openings_follow`.

    Returns:
        In how many rows of ``raw.gc_balances`` each column has changed.
    """
    currencies = account_currencies(connection)
    columns = {name: BALANCES.columns[name] for name in (*BALANCES.key, *_READ)}
    rows = [
        {**row, "payload_digest": digest}
        for account_id, digest, payload in connection.execute(
            "select account_id, payload_digest, payload from raw.gc_balances"
        ).fetchall()
        for row in read_balances(
            account_id, [json.loads(payload, parse_float=str)], currency=currencies.get(account_id)
        ).rows
    ]
    stage(connection, "read_anew", columns, [{name: row[name] for name in columns} for row in rows])
    changed = differences(
        connection, "raw.gc_balances", using=", ".join(BALANCES.key), columns=_READ
    )
    if not changed:
        return {}
    connection.execute(
        f"""
        insert into restated
        with restated_reports as (
            select
                t.* exclude (account_id), r.* exclude (account_id, payload_digest) rename (
                    balance_type as new_type, reference_date as new_date, amount as new_amount,
                    currency as new_currency, credit_limit_included as new_included
                ),
                coalesce(known.of_provider, named.provider, 'gocardless') as provider,
                coalesce(known.of_account_id, t.account_id) as account_id,
                case when chosen.sign = '{REVERSED}' then -1 else 1 end as sign
            from raw.gc_balances as t
            inner join read_anew as r using (account_id, payload_digest)
            left join raw.account_providers as named on named.account_id = t.account_id
            left join unified.account_identifiers as known on known.account_id = t.account_id
            left join unified.account_settings as chosen
                on chosen.provider = known.of_provider and chosen.account_id = known.of_account_id
            where {differs(_READ)}
        )
        select
            report.provider, report.account_id, report.balance_type, report.currency,
            report.reference_date, report.amount, {standard_type("new_type")}, new_currency,
            coalesce(new_date, report.reference_date), sign * new_amount, new_included
        from restated_reports as one
        inner join unified.balances as report
            on report.provider = one.provider and report.account_id = one.account_id
                and report.balance_type = {standard_type("one.balance_type")}
                and report.currency = one.currency and report.amount = one.sign * one.amount
                -- one without a day is of each day on which it came
                and report.reference_date = coalesce(one.reference_date, report.reference_date)
        """  # noqa: S608 - own names
    )
    connection.execute(
        f"update raw.gc_balances as t set {', '.join(f'{n} = r.{n}' for n in _READ)} "  # noqa: S608 - own names
        f"from read_anew as r where {' and '.join(f't.{n} = r.{n}' for n in BALANCES.key)} "
        f"and ({differs(_READ)})"
    )
    _restate(connection)
    return changed


def _restate(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the reports of ``restated`` into ``unified.balances``."""
    connection.execute(
        f"""
        create or replace temp table restated_rows as
        select
            provider, account_id, new_type as balance_type, new_currency as currency,
            new_date as reference_date, new_amount as amount, max(reported_at) as reported_at,
            bool_or(new_included) as credit_limit_included
        from unified.balances as report
        inner join restated using ({_KEY})
        where report.amount = restated.was
        group by all;
        delete from unified.balances as report using restated
        where {" and ".join(f"report.{n} = restated.{n}" for n in _KEY.split(", "))}
            and report.amount = restated.was
        """  # noqa: S608 - own names
    )
    add_rows(
        connection,
        "unified.balances",
        "from restated_rows",
        key=[*_KEY.split(", "), "amount"],
    )
