"""Statement files as a provider, for people without access to an API."""

from gocardless.sync.provider import Provider

STATEMENT_FILES = Provider(
    name="file",
    is_signed_by_setting=False,
    institutions="select null as institution_id, null as name, null as bic where false",
    connections="select null as connection_id, null as institution_id, null as reference, "
    "null as status, null as provider_status, null as expires_at where false",
    accounts="""
        select
            entries.account_id,
            null as connection_id,
            null as institution_id,
            any_value(account.iban) as iban,
            coalesce(any_value(account.currency), any_value(entries.currency)) as currency,
            any_value(account.owner_name) as owner_name,
            coalesce(any_value(account.name), entries.account_id) as name
        from (
            select account_id, currency from raw.file_entries
            union all
            select account_id, currency from raw.file_balances
        ) as entries
        left join raw.file_accounts as account using (account_id)
        group by entries.account_id
    """,
    fetches="""
        select
            file_number as fetch_number, account_id, date_from, date_from as create_from,
            imported_at as fetched_at
        from raw.file_imports
    """,
    entries="""
        select
            file_number as fetch_number, account_id, coalesce(status, 'booked') as status, entry_id,
            copies, transaction_id, booking_date, value_date, amount, currency, description,
            counterparty, balance_after, counterparty_iban, end_to_end_id, mandate_id,
            original_amount, original_currency, exchange_rate, merchant_category
        from raw.file_entries
    """,
    balances="""
        select
            balance.account_id, balance.balance_type, balance.reference_date, balance.amount,
            balance.currency, imported.imported_at as reported_at
        from raw.file_balances as balance
        inner join raw.file_imports as imported using (file_number)
    """,
)
