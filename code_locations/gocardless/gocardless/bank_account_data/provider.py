"""The GoCardless Bank Account Data API as a provider."""

from gocardless.extraction.queries import BALANCES, ENTRIES, FETCHES, SIGHTINGS
from gocardless.sync.provider import Provider

PROVIDER_NAME = "gocardless"

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
