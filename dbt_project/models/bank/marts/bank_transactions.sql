{#
    What is booked, by the day that counts for its account, and whether the money went to another of
    the own accounts. Two movements are one transfer where their amounts are opposite, they are at
    most five days apart, and one of them names the other's account, or the holder of both.
#}
with booked as (
    select
        transactions.transaction_key,
        transactions.provider,
        transactions.account_id,
        transactions.currency,
        transactions.amount,
        transactions.description,
        transactions.counterparty,
        transactions.original_amount,
        transactions.original_currency,
        transactions.exchange_rate,
        transactions.merchant_category,
        transactions.counterparty_iban,
        transactions.end_to_end_id,
        transactions.mandate_id,
        holders.iban,
        lower(trim(holders.owner_name)) as owner_name,
        coalesce(chosen.display_name, holders.name, transactions.account_id) as account_name,
        case
            when chosen.date_used = 'value'
                then coalesce(transactions.value_date, transactions.booking_date)
            else transactions.booking_date
        end as day
    from {{ source('unified', 'transactions') }} as transactions
    left join {{ source('unified', 'accounts') }} as holders
        on
            transactions.provider = holders.provider
            and transactions.account_id = holders.account_id
    left join {{ source('unified', 'account_settings') }} as chosen
        on
            transactions.provider = chosen.provider
            and transactions.account_id = chosen.account_id
    where transactions.status = 'booked'
),

candidates as (
    select
        outgoing.transaction_key as outgoing_key,
        incoming.transaction_key as incoming_key,
        abs(incoming.day - outgoing.day) as days_apart
    from booked as outgoing
    inner join booked as incoming
        on
            outgoing.currency = incoming.currency
            and outgoing.amount = -incoming.amount
            and abs(incoming.day - outgoing.day) <= 5
            and (outgoing.provider, outgoing.account_id) <> (incoming.provider, incoming.account_id)
    where
        outgoing.amount < 0
        and (
            outgoing.counterparty_iban = incoming.iban
            or incoming.counterparty_iban = outgoing.iban
            or (
                lower(trim(outgoing.counterparty)) = incoming.owner_name
                and lower(trim(incoming.counterparty)) = outgoing.owner_name
            )
        )
),

-- of several the nearest in time, each movement once
ranked as (
    select
        outgoing_key,
        incoming_key,
        row_number() over (
            partition by outgoing_key order by days_apart, incoming_key
        ) as of_outgoing,
        row_number() over (
            partition by incoming_key order by days_apart, outgoing_key
        ) as of_incoming
    from candidates
),

transfers as (
    select outgoing_key as transaction_key
    from ranked
    where of_outgoing = of_incoming
    union
    select incoming_key as transaction_key
    from ranked
    where of_outgoing = of_incoming
)

select
    booked.transaction_key,
    booked.provider,
    booked.account_id,
    booked.account_name,
    booked.currency,
    booked.day,
    booked.amount,
    booked.description,
    booked.counterparty,
    booked.original_amount,
    booked.original_currency,
    booked.exchange_rate,
    booked.merchant_category,
    booked.counterparty_iban,
    booked.end_to_end_id,
    booked.mandate_id,
    transfers.transaction_key is not null as is_transfer
from booked
left join transfers on booked.transaction_key = transfers.transaction_key
