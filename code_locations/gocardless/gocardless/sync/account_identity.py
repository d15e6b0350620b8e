"""One account, whatever its providers call it: over renewed connections, owners and files.

Accounts of one IBAN and currency are one, and so are those of one bank, masked card number and
currency, unless a connection has several of that number or both have an IBAN. The first
that was known keeps its provider and id, which its transactions, tags and settings have;
``unified.account_identifiers`` says what else it is called. Where no currency is known, as before
the bank has sent details, an IBAN counts if no other account of the connection has it.
"""

import duckdb

from gocardless.sync.ledger.history import write_first_states
from gocardless.sync.ledger.matching import match
from shared_lib.warehouse.rows import replace_rows

_SAME = """
    offered.iban = known.iban and (
        offered.currency = known.currency
        or (
            (offered.currency is null or known.currency is null)
            and offered.of_iban = 1 and known.of_iban = 1
        )
    )
    or (
        offered.masked_pan = known.masked_pan
        and offered.of_pan = 1 and known.of_pan = 1
        and (offered.iban is null or known.iban is null)
        and offered.institution_id is not distinct from known.institution_id
        and offered.currency is not distinct from known.currency
    )
"""

# Banks write the digits that are not shown as X or *, and group all by blanks or hyphens.
_PAN = (
    r"nullif(regexp_replace(regexp_replace(upper(masked_pan), '[\s-]', '', 'g'), "
    r"'[X•]', '*', 'g'), '')"
)


def identify(connection: duckdb.DuckDBPyConnection, provider: str, query: str) -> None:
    """Fill the temporary table ``offered`` with accounts and whose identifiers they are.

    Args:
        connection: a warehouse with the unified tables.
        provider: who offers the accounts.
        query: the provider's accounts, those of one connection or all.
    """
    connection.execute(
        f"""
        create or replace temp table offered as
        select
            row_number() over () as number,
            $provider as provider,
            account_id,
            connection_id::varchar as connection_id,
            institution_id::varchar as institution_id,
            upper(replace(iban, ' ', '')) as iban,
            upper(trim(currency)) as currency,
            owner_name::varchar as owner_name,
            name,
            {_PAN} as masked_pan,
            count(*) over (partition by connection_id, upper(replace(iban, ' ', ''))) as of_iban,
            count(*) over (partition by connection_id, {_PAN}, upper(trim(currency))) as of_pan,
            $provider as of_provider,
            account_id as of_account_id
        from ({query})
        """,  # noqa: S608 - the provider's own query
        {"provider": provider},
    )
    connection.execute(
        """
        update offered set of_provider = known.of_provider, of_account_id = known.of_account_id
        from unified.account_identifiers as known
        where known.provider = offered.provider and known.account_id = offered.account_id
        """
    )
    connection.execute(
        f"""
        update offered set of_provider = same.provider, of_account_id = same.account_id
        from (
            with known as (
                select
                    provider, account_id, upper(replace(iban, ' ', '')) as iban, currency,
                    institution_id, {_PAN} as masked_pan, 0 as number,
                    count(*) over (partition by connection_id, iban) as of_iban,
                    count(*) over (partition by connection_id, {_PAN}, currency) as of_pan
                from unified.accounts
                union all
                select
                    provider, account_id, iban, currency, institution_id, masked_pan, number,
                    of_iban, of_pan
                from offered
                anti join unified.accounts using (provider, account_id)
            ),
            first_answers as (
                select provider, account_id, min(first_seen_at) as first_seen_at
                from unified.transactions group by all
            )
            select offered.number, known.provider, known.account_id
            from offered
            inner join known on {_SAME}
            left join first_answers
                on first_answers.provider = known.provider
                    and first_answers.account_id = known.account_id
            where offered.of_provider = offered.provider
                and offered.of_account_id = offered.account_id
            qualify row_number() over (
                partition by offered.number
                order by first_answers.first_seen_at nulls last, known.number, known.provider,
                    known.account_id
            ) = 1
        ) as same
        where offered.number = same.number
        """  # noqa: S608 - a constant
    )
    replace_rows(
        connection,
        "unified.account_identifiers",
        "select provider, account_id, of_provider, of_account_id, connection_id, "
        "true as is_active from offered",
        key=["provider", "account_id"],
    )
    for of_provider, of_account_id, account_id in connection.execute(
        """
        select distinct of_provider, of_account_id, offered.account_id from offered
        inner join unified.accounts as stored
            on stored.provider = offered.provider and stored.account_id = offered.account_id
        where (offered.provider, offered.account_id) <> (of_provider, of_account_id)
        order by all
        """
    ).fetchall():
        _merge(connection, (provider, account_id), (of_provider, of_account_id))


def _merge(
    connection: duckdb.DuckDBPyConnection, account: tuple[str, str], into: tuple[str, str]
) -> None:
    """Take what is stored of an account into another: what both have is one transaction."""
    names = {
        "provider": account[0],
        "account": account[1],
        "of_provider": into[0],
        "of_account": into[1],
    }
    connection.execute(
        """
        create or replace temp table fetched as
        select
            row_number() over () as number, 1 as account,
            * exclude (provider, account_id, entry_id),
            provider_transaction_id as transaction_id, transaction_key as entry_id, 0 as copy,
            booking_date as create_from, last_seen_at as fetched_at,
            last_fetch_number as fetch_number
        from unified.transactions
        where provider = $provider and account_id = $account and status in ('booked', 'pending')
        """,
        {name: names[name] for name in ("provider", "account")},
    )
    connection.execute(
        """
        create or replace temp table stored as
        select
            1 as account, *, provider_transaction_id as transaction_id,
            coalesce(booking_date between (
                select min(booking_date) from fetched
            ) and (select max(booking_date) from fetched), true) as is_covered,
            (select min(booking_date) from fetched where status = 'booked') as oldest,
            null::date as known_until, false as may_be_withdrawn
        from unified.transactions
        where provider = $of_provider and account_id = $of_account
        """,
        {name: names[name] for name in ("of_provider", "of_account")},
    )
    match(connection)
    write_first_states(connection, "matches")
    connection.execute(
        "create or replace temp table gone as "
        "select fetched.*, matches.transaction_key as kept "
        "from fetched inner join matches using (number)"
    )
    connection.execute(
        """
        insert into unified.transaction_history by name
        select
            kept as transaction_key, fetch_number, fetched_at as seen_at, status, booking_date,
            description, provider_transaction_id, amount, 'merged' as decision,
            'also stored of ' || $account || ', which is the same account' as evidence
        from gone
        """,
        {"account": names["account"]},
    )
    if connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'unified' "
        "and table_name = 'transaction_tags'"
    ).fetchone():
        connection.execute(
            """
            update unified.transaction_tags set transaction_key = gone.kept
            from gone
            where transaction_tags.transaction_key = gone.transaction_key
                and gone.kept not in (select transaction_key from unified.transaction_tags)
            """
        )
    connection.execute(
        "delete from unified.transactions where transaction_key in "
        "(select transaction_key from gone);"
        "delete from unified.transaction_history where transaction_key in "
        "(select transaction_key from gone)"
    )
    for table in ("transactions", "balances"):
        if table == "balances" and not _has_balances(connection):
            continue
        connection.execute(
            f"update unified.{table} set provider = $of_provider, account_id = $of_account "  # noqa: S608 - own names
            "where provider = $provider and account_id = $account",
            names,
        )
    if _has_balances(connection):
        connection.execute(
            "delete from unified.opening_balances where provider = ? and account_id = ?", account
        )
    connection.execute(
        "delete from unified.accounts where provider = ? and account_id = ?", account
    )


def _has_balances(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'unified' and table_name = 'balances'"
    ).fetchone()
    return found is not None
