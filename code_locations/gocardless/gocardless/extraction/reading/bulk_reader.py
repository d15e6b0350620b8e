"""Answers about transactions read by the database: many at once, each entry as it has to be read.

How an entry is read says :mod:`gocardless.extraction.reading.entries`. Here is the same in SQL for
the entries that are plain, as nearly all are: an answer that has any other, or one entry twice, is
left to that module as a whole. A test draws entries and compares the two.

Each answer repeats most of the one before. An entry that is known from there is not read. It is
recognised by the database's own hash, and where that is unknown by its digest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from gocardless.bank_api.documents import read_transactions_answer
from gocardless.bank_api.errors import ApiError, MalformedAnswerError
from gocardless.extraction.reading.currencies import CURRENCIES
from gocardless.extraction.reading.duplicates import counted
from gocardless.extraction.reading.entries import LONGEST_ENTRY, read_transactions
from gocardless.extraction.tables import AMOUNT, TRANSACTIONS
from gocardless.extraction.writing import stage

READ_COLUMNS: Mapping[str, str] = {
    "place": "integer",
    **TRANSACTIONS.columns,
    "copies": "integer",
}
"""Of the temporary table ``read_entries``; ``place`` is the answer's among those that were read."""

_NONE_KNOWN = (
    "select null::varchar as account_id, null::varchar as status, null::uuid as payload_digest, "
    "null::integer as copies, null::ubigint as payload_hash, null::bigint as sighting where false"
)
_LISTS = '{"transactions": {"booked": ["JSON"], "pending": ["JSON"]}}'
_TEXTS = (
    "transactionId",
    "internalTransactionId",
    "bookingDate",
    "bookingDateTime",
    "valueDate",
    "valueDateTime",
    "creditorName",
    "debtorName",
    "remittanceInformationUnstructured",
    "remittanceInformationStructured",
    "additionalInformation",
    "entryReference",
    "merchantCategoryCode",
    "endToEndId",
    "mandateId",
)
_ACCOUNTS = ("creditorAccount", "debtorAccount")
_MONEY = '{"amount": "VARCHAR", "currency": "VARCHAR"}'
_FIELDS = "".join(
    [
        "{",
        *(f'"{name}": "VARCHAR", ' for name in _TEXTS),
        *(f'"{name}": {{"iban": "VARCHAR"}}, ' for name in _ACCOUNTS),
        f'"transactionAmount": {_MONEY}, "currencyExchange": "JSON", ',
        f'"balanceAfterTransaction": {{"balanceAmount": {_MONEY}, "amount": "VARCHAR"}}}}',
    ]
)
# In an entry as the database writes it, without white space: a number, true or false where the
# contract has none, of which the database may round the number.
_NO_TEXT = r'":(\[[^"{\]]|[^"{\[n])'
# A list of remittance texts.
_TEXTS_IN_A_LIST = 'Array":['
_AMOUNT = r"[+-]?[0-9]{1,14}(\.[0-9]{1,8})?"
_RATE = r"[0-9]{1,14}(\.[0-9]{1,10})?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MOMENT = rf"{_DAY}([T ][0-9]{{2}}:?[0-9]{{2}}.*)?"
# White space to Python and not to the database.
_RARE_SPACE = r"[\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]"
# A control character: it cannot be stored, or is white space to Python alone, or is written in
# another way by Python.
_CONTROL = r"\u00"
# An entry that has none of these needs no cleaning. White space may be behind a backslash.
_LOOSE_SPACE = ("  ", '" ', ' "', "\\")


@dataclass
class AnswersRead:
    """What was read; the rows are in the temporary table ``read_entries``, but for those known.

    ``ended_sightings`` has the ``place`` and ``sighting`` of what was known and is there no more.

    Attributes:
        rejects: rows for what was refused.
        unreadable: why nothing of an answer could be read, by its place.
        carefully: places of the answers that were not read by the database.
    """

    rejects: list[dict[str, Any]] = field(default_factory=list)
    unreadable: dict[int, ApiError] = field(default_factory=dict)
    carefully: list[int] = field(default_factory=list)


def read_texts(
    connection: duckdb.DuckDBPyConnection,
    answers: Sequence[tuple[str, str]],
    *,
    currencies: Mapping[str, str] | None = None,
    known: str = _NONE_KNOWN,
) -> AnswersRead:
    """Read answers; outside a database transaction.

    Args:
        connection: any database.
        answers: each an account and its text.
        currencies: of accounts, for entries that name none.
        known: a query for what has been read of the last answers: ``account_id``, ``status``,
            ``payload_digest``, ``copies``, ``payload_hash``, and ``sighting``, a number of each. It
            is read again only where the number of copies differs.
    """
    of_account = currencies or {}
    found = AnswersRead()
    _keep_texts(connection, answers)
    _split(connection, known)
    _read_plain(connection)
    found.carefully = _leave_out(connection)
    rows = []
    for place in found.carefully:
        account_id, text = answers[place]
        try:
            answer = read_transactions_answer(text)
        except MalformedAnswerError as error:
            found.unreadable[place] = error
            continue
        lists = {"booked": answer.transactions.booked, "pending": answer.transactions.pending or []}
        entries = read_transactions(account_id, lists, currency=of_account.get(account_id))
        rows += [{"place": place, **row} for row in counted(entries.rows)]
        found.rejects += entries.rejects
    if rows:
        stage(connection, "carefully_read", READ_COLUMNS, rows)
        connection.execute(
            """
            insert into sent_entries by name
            select place, status, payload_digest, copies, sighting
            from carefully_read inner join known_entries
                using (place, status, payload_digest, copies);
            insert into read_entries by name
            from carefully_read anti join known_entries
                using (place, status, payload_digest, copies)
            """
        )
    connection.execute(
        "create or replace temp table ended_sightings as "
        "select place, sighting from known_entries anti join sent_entries using (sighting)"
    )
    return found


def _keep_texts(connection: duckdb.DuckDBPyConnection, answers: Sequence[tuple[str, str]]) -> None:
    """Fill the temporary table ``texts``."""
    connection.execute(
        "create or replace temp table texts (place integer, account_id varchar, text varchar)"
    )
    if answers:
        connection.executemany(
            "insert into texts values (?, ?, ?)",
            [(place, account_id, text) for place, (account_id, text) in enumerate(answers)],
        )


def _split(connection: duckdb.DuckDBPyConnection, known: str) -> None:
    """Fill ``known_entries``, and ``sent_entries`` with what has to be read, or its sighting.

    Of what is known by its digest alone, ``sent_entries`` has the hash.
    """
    connection.execute(
        "create or replace temp table known_entries as "  # noqa: S608 - the caller's own query
        f"select place, known.* exclude (account_id) from ({known}) as known "
        "inner join texts using (account_id)"
    )
    connection.execute(
        """
        create or replace temp table sent_entries as
        with lists as materialized (
            -- nothing, where the database cannot read the text as JSON
            select place, account_id, try(json_transform(text, $lists)).transactions as sent
            from texts
        ),
        -- a value that is not a list makes a row without payload, which is not plain
        entries as (
            select place, account_id, 'booked' as status, unnest(coalesce(sent.booked, [null]))
                as payload
            from lists
            union all
            select place, account_id, 'pending', unnest(coalesce(sent.pending, [null]))
            from lists
        ),
        hashed as (
            select *, hash(payload) as payload_hash from entries
        ),
        recognised as materialized (
            select
                place, account_id, status, payload_hash, copies, sighting,
                case when sighting is null then payload end as payload
            from hashed
            left join (
                select place, status, payload_hash, copies, sighting from known_entries
            ) as known using (place, status, payload_hash)
        ),
        digested as (
            select place, account_id, status, payload_hash, payload,
                md5(payload)::uuid as payload_digest
            from recognised
            where sighting is null
        )
        select
            place, account_id, status, null::uuid as payload_digest, copies, sighting,
            null::ubigint as payload_hash, null::json as payload
        from recognised
        where sighting is not null
        union all
        select
            place, account_id, status, payload_digest, copies, sighting,
            case when sighting is not null then payload_hash end,
            case when sighting is null then payload end
        from digested
        left join (
            select place, status, payload_digest, copies, sighting from known_entries
        ) as known using (place, status, payload_digest)
        """,
        {"lists": _LISTS},
    )


def _read_plain(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill ``read_entries``, with a column more that says whether a row may be relied on."""
    connection.execute(
        f"""
        create or replace temp table read_entries as
        with transformed as (
            select *, json_transform(payload, $fields) as e from sent_entries
            where sighting is null
        ),
        shaped as (
            select
                *,
                case when json_type(e.currencyExchange) = 'ARRAY' then e.currencyExchange -> 0
                    else e.currencyExchange end as exchange
            from transformed
        ),
        dated as (
            select
                *,
                {_any_of("payload", _LOOSE_SPACE)} as is_loose,
                coalesce(nullif(e.bookingDate, ''), left(e.bookingDateTime, 10)) as booked_on,
                coalesce(nullif(e.valueDate, ''), left(e.valueDateTime, 10)) as valued_on
            from shaped
        ),
        typed as (
            select
                *,
                try_cast(nullif(booked_on, '') as date) as booking,
                try_cast(nullif(valued_on, '') as date) as valuing,
                {_amount("e.transactionAmount.amount")} as money,
                exchange ->> '$.exchangeRate' as rate,
                exchange ->> '$.instructedAmount.amount' as paid,
                exchange ->> '$.instructedAmount.currency' as paid_in
            from dated
        )
        select
            place, account_id, status, payload_digest,
            {_cleaned("e.transactionId")} as transaction_id,
            {_cleaned("e.internalTransactionId")} as internal_transaction_id,
            coalesce(booking, valuing) as booking_date,
            valuing as value_date,
            money as amount,
            e.transactionAmount.currency as currency,
            coalesce(
                {_cleaned("e.remittanceInformationUnstructured")},
                {_cleaned("e.remittanceInformationStructured")},
                {_cleaned("e.additionalInformation")},
                ''
            ) as description,
            case when money > 0 then {_cleaned("e.debtorName")}
                else {_cleaned("e.creditorName")} end as counterparty,
            {_amount("e.balanceAfterTransaction.balanceAmount.amount")} as balance_after,
            payload,
            {_cleaned("e.entryReference")} as entry_reference,
            case when paid_in <> e.transactionAmount.currency
                then abs({_amount("paid")}) * case when money < 0 then -1 else 1 end
            end::{AMOUNT} as original_amount,
            case when paid_in <> e.transactionAmount.currency then paid_in end
                as original_currency,
            try_cast(rate as decimal(24, 10)) as exchange_rate,
            {_cleaned("e.merchantCategoryCode")} as merchant_category,
            upper(replace(
                case when money > 0 then {_cleaned("e.debtorAccount.iban")}
                    else {_cleaned("e.creditorAccount.iban")} end, ' ', ''
            )) as counterparty_iban,
            {_cleaned("e.endToEndId")} as end_to_end_id,
            {_cleaned("e.mandateId")} as mandate_id,
            null::varchar as notes,
            1::integer as copies,
            {_is_plain()} as is_plain
        from typed
        """,  # noqa: S608 - own constants
        {
            "fields": _FIELDS,
            "currencies": sorted(CURRENCIES),
            "no_text": _NO_TEXT,
            "space": _RARE_SPACE,
        },
    )


def _cleaned(text: str) -> str:
    """Runs of white space as one space, none at the ends; nothing, if nothing is left."""
    return (
        rf"nullif(case when is_loose then trim(regexp_replace({text}, '[\s\v]+', ' ', 'g')) "
        rf"else {text} end, '')"
    )


def _amount(text: str) -> str:
    """The amount; a cast to the wide type takes ten times as long as to one of 64 bits."""
    return f"coalesce(try_cast({text} as decimal(18, 8))::{AMOUNT}, try_cast({text} as {AMOUNT}))"


def _any_of(text: str, parts: Sequence[str]) -> str:
    return " or ".join(f"contains({text}, '{part}')" for part in parts)


def _is_plain() -> str:
    after = "e.balanceAfterTransaction.balanceAmount"
    # of a CASE only the branch that is taken is computed
    conditions = (
        "starts_with(payload, '{')",
        f"strlen(payload) <= {LONGEST_ENTRY}",
        f"not contains(payload, '{_TEXTS_IN_A_LIST}')",
        "not regexp_matches(payload, $no_text)",
        # an object or a list for a text, which the database returns as its JSON; amounts and
        # currencies have rules of their own
        *(
            f"not coalesce(starts_with(e.{name}, '{{') or starts_with(e.{name}, '['), false)"
            for name in (*_TEXTS, *(f"{account}.iban" for account in _ACCOUNTS))
        ),
        f"not contains(payload, '{_CONTROL}')",
        # what may be HTML
        "not (contains(payload, '&') and regexp_matches(payload, '&[#0-9A-Za-z]'))",
        (
            "case when strlen(payload) = length(payload) then true "
            "else not regexp_matches(payload, $space) end"
        ),
        f"regexp_full_match(e.transactionAmount.amount, '{_AMOUNT}')",
        "list_contains($currencies, e.transactionAmount.currency)",
        _is_day("booked_on", "booking"),
        _is_day("valued_on", "valuing"),
        *(
            f"coalesce(e.{name}, '') = '' or regexp_full_match(e.{name}, '{_MOMENT}')"
            for name in ("bookingDateTime", "valueDateTime")
        ),
        "status = 'pending' or coalesce(booking, valuing) is not null",
        (
            "case when not contains(payload, '\"currencyExchange\"') then true else "
            f"(rate is null or regexp_full_match(rate, '{_RATE}')) "
            "and (coalesce(json_type(exchange, '$.instructedAmount'), 'NULL') = 'NULL' "
            f"or (regexp_full_match(paid, '{_AMOUNT}') "
            "and list_contains($currencies, paid_in))) end"
        ),
        (
            "case when not contains(payload, '\"balanceAfterTransaction\"') then true "
            f"else regexp_full_match({after}.amount, '{_AMOUNT}') "
            f"and list_contains($currencies, {after}.currency) "
            "and e.balanceAfterTransaction.amount is null end"
        ),
    )
    return " and ".join(f"({condition})" for condition in conditions)


def _is_day(text: str, day: str) -> str:
    return (
        f"coalesce({text}, '') = '' or (regexp_full_match({text}, '{_DAY}') "
        f"and {day} between date '1970-01-01' and date '2200-01-01')"
    )


def _leave_out(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """Take out answers that are not plain, or have an entry more often than it was known."""
    places = [
        place
        for (place,) in connection.execute(
            "select place from read_entries where not coalesce(is_plain, false) union "
            "select place from read_entries group by place, status, payload_digest "
            "having count(*) > 1 union "
            "select any_value(place) from sent_entries where sighting is not null "
            "group by sighting having count(*) <> any_value(copies) order by place"
        ).fetchall()
    ]
    if places:
        for table in ("read_entries", "sent_entries"):
            connection.execute(
                f"delete from {table} where list_contains($places, place)",  # noqa: S608 - own names
                {"places": places},
            )
    connection.execute("alter table read_entries drop column is_plain")
    return places
