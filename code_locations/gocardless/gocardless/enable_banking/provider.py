"""Enable Banking as a provider of the unified tables."""

from gocardless.extraction.queries import BALANCES, ENTRIES, FETCHES, SIGHTINGS
from gocardless.sync.provider import Provider

_OWN = (
    "account_id in (select account_id from raw.account_providers where provider = 'enable_banking')"
)

ENABLE_BANKING = Provider(
    name="enable_banking",
    institutions="select institution_id, name, bic from raw.eb_aspsps",
    connections="""
        select
            session_id as connection_id,
            institution_id,
            null as reference,
            case
                when status = 'AUTHORIZED' and valid_until < current_timestamp::timestamp
                    then 'expired'
                when status = 'AUTHORIZED' then 'active'
                when status in ('PENDING_AUTHORIZATION', 'RETURNED_FROM_BANK') then 'pending'
                when status in ('EXPIRED', 'CLOSED', 'REVOKED') then 'expired'
                when status = 'CANCELLED' then 'rejected'
                else 'error'
            end as status,
            status as provider_status,
            valid_until as expires_at
        from raw.eb_sessions
    """,
    accounts="""
        select
            listed.account_id,
            listed.session_id as connection_id,
            listed.institution_id,
            coalesce(details.iban, account.iban) as iban,
            details.currency,
            details.owner_name,
            details.name,
            account.other_number as masked_pan
        from (
            select
                unnest(account_ids) as account_id, session_id, institution_id, opened_at
            from raw.eb_sessions
            where status = 'AUTHORIZED'
        ) as listed
        left join raw.eb_accounts as account using (account_id)
        left join raw.gc_account_details as details using (account_id)
        qualify row_number() over (
            partition by listed.account_id order by listed.opened_at desc, listed.session_id
        ) = 1
    """,
    fetches=f"{FETCHES} where {_OWN}",
    entries=f"{ENTRIES} where {_OWN}",
    sightings=f"{SIGHTINGS} where {_OWN}",
    balances=f"{BALANCES} where {_OWN}",
)
