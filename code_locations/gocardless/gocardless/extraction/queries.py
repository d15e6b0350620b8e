"""What has come through an API, as queries for the sync; an account is one provider's."""

FETCHES = (
    "select fetch_number, account_id, date_from, create_from, fetched_at, "
    "case when is_whole then 'infinity'::date end as covers_until from raw.gc_fetches"
)
SIGHTINGS = """
    select
        account_id, status, payload_digest as entry_id, copies, first_fetch_number,
        last_fetch_number
    from raw.gc_sightings
"""
ENTRIES = """
    select
        account_id, status, payload_digest as entry_id,
        transaction_id, internal_transaction_id, booking_date, value_date, amount, currency,
        description, counterparty, balance_after, entry_reference, original_amount,
        original_currency, exchange_rate, merchant_category, counterparty_iban, end_to_end_id,
        mandate_id, notes
    from raw.gc_transactions
"""
BALANCES = """
    select
        account_id,
        coalesce(balance_type, 'unknown') as balance_type,
        coalesce(reference_date, cast(last_seen_at as date)) as reference_date,
        amount,
        currency,
        last_seen_at as reported_at,
        credit_limit_included
    from raw.gc_balances
"""
