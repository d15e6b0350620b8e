"""The GoCardless Bank Account Data API as a provider."""

from gocardless.sync.provider import Provider

PROVIDER_NAME = "gocardless"

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
"""What has come through an API, of every provider; an account is one provider's."""

_OWN = "account_id not in (select account_id from raw.account_providers)"

GOCARDLESS = Provider(
    name=PROVIDER_NAME,
    institutions="select institution_id, name, bic from raw.gc_institutions",
    connections="""
        select
            requisition.requisition_id as connection_id,
            requisition.institution_id,
            requisition.reference,
            case
                when requisition.last_seen_at < listed.listed_at then 'error'
                when requisition.status = 'LN' then 'active'
                when requisition.status in ('CR', 'GC', 'UA', 'SA', 'GA') then 'pending'
                when requisition.status = 'EX' then 'expired'
                when requisition.status = 'RJ' then 'rejected'
                else 'error'
            end as status,
            case
                when requisition.last_seen_at < listed.listed_at then 'deleted'
                else requisition.status
            end as provider_status,
            agreement.accepted_at
                + to_days(agreement.access_valid_for_days) as expires_at
        from raw.gc_requisitions as requisition
        -- a requisition that is not in the last list has been deleted
        cross join raw.gc_last_listing as listed
        left join raw.gc_agreements as agreement using (agreement_id)
    """,
    accounts="""
        select
            listed.account_id,
            listed.requisition_id as connection_id,
            coalesce(account.institution_id, listed.institution_id) as institution_id,
            coalesce(details.iban, account.iban) as iban,
            details.currency,
            coalesce(details.owner_name, account.owner_name) as owner_name,
            coalesce(details.name, account.name) as name,
            details.payload ->> '$.maskedPan' as masked_pan
        from (
            select
                unnest(account_ids) as account_id, requisition_id, institution_id, first_seen_at
            from raw.gc_requisitions
            where status = 'LN'
                and last_seen_at = (select listed_at from raw.gc_last_listing)
        ) as listed
        left join raw.gc_bank_accounts as account using (account_id)
        left join raw.gc_account_details as details using (account_id)
        qualify row_number() over (
            partition by listed.account_id
            order by listed.first_seen_at desc, listed.requisition_id
        ) = 1
    """,
    memberships="""
        select unnest(account_ids) as account_id, requisition_id as connection_id
        from raw.gc_requisitions
        where status = 'LN'
            and last_seen_at = (select listed_at from raw.gc_last_listing)
    """,
    fetches=f"{FETCHES} where {_OWN}",
    entries=f"{ENTRIES} where {_OWN}",
    sightings=f"{SIGHTINGS} where {_OWN}",
    balances=f"{BALANCES} where {_OWN}",
)
