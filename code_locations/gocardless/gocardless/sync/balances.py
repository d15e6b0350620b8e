"""What the banks say of the accounts, and where each account's own reckoning begins.

An account's opening balance is what its bank reports less all that was booked until then. It is
fixed by one report and never reckoned again: from then on every report is compared with it, and
a transaction that is lost later shows, whenever it was booked. A report of a type that is trusted
more takes its place once.

Of a report that includes a credit line only what remains without the line is the account's own
money; where the line is not known, neither is that.
"""

from datetime import timedelta

import duckdb

from gocardless.accounts.settings import create_settings_table
from gocardless.sync.ledger.referee import judge
from gocardless.sync.ledger.signs import REVERSED
from gocardless.sync.provider import OPTIONAL_OF_BALANCES, Provider, with_optional
from shared_lib.storage.migrations import Migration
from shared_lib.warehouse.rows import replace_rows
from shared_lib.warehouse.tables import create_or_migrate

# By trust. The booked ones are what the transactions have to add up to; the others hold what is
# not booked yet, or not money of the account.
TRUSTED_TYPES = (
    "closingBooked",
    "interimBooked",
    "openingBooked",
    "expected",
    "interimAvailable",
    "closingAvailable",
    "openingAvailable",
    "forwardAvailable",
)
BOOKED_TYPES = TRUSTED_TYPES[:2]
"""The reports that the booked transactions have to add up to."""

# As ISO 20022 has them (ExternalBalanceType1Code), and banks in their own spelling.
_OTHER_NAMES = {
    "clbd": "closingBooked",
    "itbd": "interimBooked",
    "opbd": "openingBooked",
    "xpcd": "expected",
    "itav": "interimAvailable",
    "clav": "closingAvailable",
    "opav": "openingAvailable",
    "fwav": "forwardAvailable",
    "authorised": "expected",
}

_STANDARD_TYPES = {**_OTHER_NAMES, **{name.lower(): name for name in TRUSTED_TYPES}}

# The answers about balances and transactions of one run lie no further apart.
_SAME_RUN = timedelta(hours=1)

_TABLES = """
create schema if not exists unified;
create table if not exists unified.balances (
    provider varchar not null,
    account_id varchar not null,
    balance_type varchar not null,
    currency varchar not null,
    reference_date date not null,
    amount decimal(22, 8) not null,
    reported_at timestamp not null,  -- for the last time
    credit_limit_included boolean,
    primary key (provider, account_id, balance_type, currency, reference_date, amount)
);
create table if not exists unified.opening_balances (
    provider varchar not null,
    account_id varchar not null,
    currency varchar not null,
    opening_balance decimal(38, 8) not null,  -- before the first known transaction
    anchored_on date not null,  -- the day of the report that it was reckoned from
    balance_type varchar,  -- of that report
    anchored_at timestamp,  -- when that report came
    primary key (provider, account_id, currency)
);
"""


_WIDER = {
    "balances": """
        provider varchar not null, account_id varchar not null, balance_type varchar not null,
        currency varchar not null, reference_date date not null, amount decimal(22, 8) not null,
        reported_at timestamp not null, credit_limit_included boolean,
        primary key (provider, account_id, balance_type, currency, reference_date, amount)
    """,
    "opening_balances": """
        provider varchar not null, account_id varchar not null, currency varchar not null,
        opening_balance decimal(38, 8) not null, anchored_on date not null,
        balance_type varchar, anchored_at timestamp,
        primary key (provider, account_id, currency)
    """,
}


def _note_credit_lines(connection: duckdb.DuckDBPyConnection) -> None:
    # tables with an index are not altered: copies take their place
    for table, columns in _WIDER.items():
        connection.execute(
            f"create table unified.wider ({columns});"
            f"insert into unified.wider by name from unified.{table};"
            f"drop table unified.{table};"
            f"alter table unified.wider rename to {table}"
        )


_MIGRATIONS = (Migration("credit lines and trust", _note_credit_lines, is_additive=False),)


def create_balance_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables of balances that are not there yet."""
    create_or_migrate(connection, _TABLES, first_table="unified.balances", migrations=_MIGRATIONS)
    create_settings_table(connection)


def own_money(balances: str, settings: str) -> str:
    """In SQL, what of a balance is the account's own; null where that is not known."""
    return (
        f"case when coalesce({balances}.credit_limit_included, false) "
        f"then {balances}.amount - {settings}.credit_line else {balances}.amount end"
    )


def sync_balances(
    connection: duckdb.DuckDBPyConnection, provider: Provider, *, connection_id: str | None = None
) -> None:
    """Take the provider's reports, and begin the reckoning of accounts that have none yet.

    Args:
        connection: a warehouse with the provider's and the unified tables, transactions synced.
        provider: whose reports.
        connection_id: the one connection that it is about; none for all.
    """
    create_balance_tables(connection)
    if provider.balances is None:
        return
    list_reports(connection, provider, connection_id=connection_id)
    connection.execute(
        """
        merge into unified.balances as t using reports as s
        using (provider, account_id, balance_type, currency, reference_date, amount)
        when matched and t.reported_at <> s.reported_at
            then update set reported_at = s.reported_at,
                credit_limit_included = s.credit_limit_included
        when not matched then insert by name
        """
    )
    _fix_opening_balances(connection, connection_id)
    judge(connection, own_money=own_money("report", "settings"), types=BOOKED_TYPES)


def standard_type(balance_type: str) -> str:
    """In SQL, the type of a balance as this module names it; one that it does not know stays."""
    return f"coalesce(map {_STANDARD_TYPES}[lower({balance_type})], {balance_type})"


def list_reports(
    connection: duckdb.DuckDBPyConnection, provider: Provider, *, connection_id: str | None = None
) -> None:
    """Fill the temporary table ``reports`` with what the provider reports, as stored here."""
    balances = with_optional(connection, provider.balances or "", OPTIONAL_OF_BALANCES)
    connection.execute(
        f"""
        create or replace temp table reports as
        select
            coalesce(known.of_provider, $provider) as provider,
            coalesce(known.of_account_id, report.account_id) as account_id,
            {standard_type("report.balance_type")} as balance_type,
            currency, reference_date,
            case when chosen.sign = $reversed then -amount else amount end as amount,
            max(reported_at) as reported_at,
            bool_or(credit_limit_included) as credit_limit_included
        from ({balances}) as report
        left join unified.account_identifiers as known
            on known.provider = $provider and known.account_id = report.account_id
        left join unified.account_settings as chosen
            on chosen.provider = coalesce(known.of_provider, $provider)
                and chosen.account_id = coalesce(known.of_account_id, report.account_id)
        where $connection is null or known.connection_id = $connection
        group by all
        """,  # noqa: S608 - the provider's own query
        {
            "provider": provider.name,
            "connection": connection_id,
            "reversed": REVERSED if provider.is_signed_by_setting else None,
        },
    )


def _fix_opening_balances(connection: duckdb.DuckDBPyConnection, connection_id: str | None) -> None:
    """Only from a report that came together with an answer about the account's transactions."""
    replace_rows(
        connection,
        "unified.opening_balances",
        f"""
        select
            report.provider, report.account_id, report.currency,
            {own_money("report", "settings")} - coalesce((
                select sum(amount) from unified.transactions as booked
                where booked.provider = report.provider
                    and booked.account_id = report.account_id
                    and booked.currency = report.currency
                    and booked.status = 'booked'
                    and booked.booking_date <= report.reference_date
            ), 0) as opening_balance,
            report.reference_date as anchored_on, report.balance_type,
            report.reported_at as anchored_at
        from unified.balances as report
        inner join unified.account_answers as answers using (provider, account_id)
        left join unified.account_settings as settings using (provider, account_id)
        left join unified.opening_balances as known using (provider, account_id, currency)
        where abs(epoch(report.reported_at - answers.answered_at)) <= $same_run_seconds
            and {own_money("report", "settings")} is not null
            and list_contains($types, report.balance_type)
            and coalesce(settings.balance_type = report.balance_type, true)
            and (
                known.opening_balance is null
                or list_position($types, coalesce(known.balance_type, 'closingBooked')) > $booked
                    and list_position($types, report.balance_type) <= $booked
            )
            and ($connection is null or (report.provider, report.account_id) in (
                select (of_provider, of_account_id) from unified.account_identifiers
                where connection_id = $connection
            ))
        qualify row_number() over (
            partition by report.provider, report.account_id, report.currency
            order by list_position($types, report.balance_type), report.reported_at desc,
                report.reference_date desc
        ) = 1
        """,  # noqa: S608 - own expressions
        key=["provider", "account_id", "currency"],
        values={
            "types": list(TRUSTED_TYPES),
            "booked": len(BOOKED_TYPES),
            "same_run_seconds": _SAME_RUN.total_seconds(),
            "connection": connection_id,
        },
    )
