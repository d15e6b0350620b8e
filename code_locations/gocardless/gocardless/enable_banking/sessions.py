"""Banks, sessions and their accounts: what was opened, and what has become of it."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import duckdb

from gocardless.accounts.settings import ConnectionSettings
from gocardless.bank_api.documents import AccountDetails
from gocardless.bank_api.errors import AccessExpiredError, ApiError, NotFoundError
from gocardless.enable_banking import translation
from gocardless.enable_banking.client import EnableBankingClient
from gocardless.enable_banking.models import AspspName, NewSession
from gocardless.extraction.accounts import (
    AccountToFetch,
    InactiveConnectionError,
    UnknownConnectionError,
)
from gocardless.extraction.documents import RegisterRead, details_row
from gocardless.extraction.fetching import FATAL
from gocardless.extraction.tables import ACCOUNT_DETAILS
from gocardless.extraction.writing import upsert
from shared_lib.warehouse import transaction
from shared_lib.warehouse.rows import add_rows, replace_rows

ACTIVE_STATUS = "AUTHORIZED"
LONGEST_DAYS = 730
"""How far back is asked at first; a bank that refuses is asked for less."""
_OVER = ("EXPIRED", "CLOSED", "REVOKED", "CANCELLED", "INVALID")
_OVER_BY_CODE = {"EXPIRED_SESSION": "EXPIRED", "REVOKED_SESSION": "REVOKED"}


def record_session(
    connection: duckdb.DuckDBPyConnection, session: NewSession, *, at: datetime, run_id: str
) -> None:
    """Write a session that has been opened, with its bank and accounts.

    Args:
        connection: a warehouse with Enable Banking's tables, outside a transaction.
        session: the answer.
        at: when it came, UTC.
        run_id: who asked, as ``connect``.
    """
    institution_id = session.aspsp.institution_id
    accounts = [account for account in session.accounts if account.get("uid")]
    details = [
        details_row(account["uid"], AccountDetails.model_validate(translation.account(account)))
        for account in accounts
    ]
    with transaction(connection):
        add_rows(
            connection,
            "raw.eb_aspsps",
            "select ? as institution_id, ? as name, ? as country",
            key=["institution_id"],
            values=[institution_id, session.aspsp.name, session.aspsp.country],
        )
        replace_rows(
            connection,
            "raw.eb_sessions",
            "select ? as session_id, ? as institution_id, ? as status, ? as valid_until, "
            "?::varchar[] as account_ids, ? as opened_at, ? as last_seen_at",
            key=["session_id"],
            values=[
                session.session_id,
                institution_id,
                ACTIVE_STATUS,
                _utc(session.access.valid_until),
                [account["uid"] for account in accounts],
                _utc(at),
                _utc(at),
            ],
        )
        for account in accounts:
            replace_rows(
                connection,
                "raw.eb_accounts",
                "select ? as account_id, ? as session_id, ? as institution_id, ? as iban, "
                "? as other_number, ? as payload",
                key=["account_id"],
                values=[
                    account["uid"],
                    session.session_id,
                    institution_id,
                    translation.iban_of(account.get("account_id")),
                    translation.number_of(account.get("account_id")),
                    json.dumps(account),
                ],
            )
        _remember(connection, [account["uid"] for account in accounts])
        upsert(connection, ACCOUNT_DETAILS, details, seen_at=at, run_id=run_id)


def extract_sessions(
    connection: duckdb.DuckDBPyConnection, client: EnableBankingClient, *, at: datetime
) -> RegisterRead:
    """Ask for the state of each session that is not over.

    Raises:
        ApiError: the API accepts no call at all from here.
    """
    rows = connection.execute(
        "select session_id from raw.eb_sessions where not list_contains(?, status) order by all",
        [list(_OVER)],
    ).fetchall()
    odd: dict[str, str] = {}
    for (session_id,) in rows:
        try:
            session = client.session(session_id)
        except (AccessExpiredError, NotFoundError) as error:
            status = _OVER_BY_CODE.get(error.summary, "CLOSED")
            with transaction(connection):
                connection.execute(
                    "update raw.eb_sessions set status = ?, last_seen_at = ? where session_id = ?",
                    [status, _utc(at), session_id],
                )
            continue
        except FATAL:
            raise
        except ApiError as error:
            odd[f"session {session_id}"] = str(error)
            continue
        with transaction(connection):
            connection.execute(
                "update raw.eb_sessions set status = ?, valid_until = ?, account_ids = ?, "
                "last_seen_at = ? where session_id = ?",
                [
                    session.status,
                    _utc(session.access.valid_until),
                    session.accounts,
                    _utc(at),
                    session_id,
                ],
            )
            _remember(connection, session.accounts)
    return RegisterRead(len(rows) - len(odd), odd)


def extract_aspsps(
    connection: duckdb.DuckDBPyConnection, client: EnableBankingClient
) -> RegisterRead:
    """Write the banks of the countries in which a bank is connected."""
    countries = connection.execute("select distinct country from raw.eb_aspsps").fetchall()
    banks = [bank for (country,) in countries for bank in client.aspsps(country)]
    with transaction(connection):
        for bank in banks:
            replace_rows(
                connection,
                "raw.eb_aspsps",
                "select ? as institution_id, ? as name, ? as country, ? as bic",
                key=["institution_id"],
                values=[bank.institution_id, bank.name, bank.country, bank.bic],
            )
    return RegisterRead(len(banks), {})


def accounts_of_sessions(
    connection: duckdb.DuckDBPyConnection, connection_id: str | None = None
) -> list[AccountToFetch]:
    """The accounts of all active sessions, or of one.

    Raises:
        UnknownConnectionError: no session has the id.
        InactiveConnectionError: the session is not active; says what it is.
    """
    if connection_id is not None:
        row = connection.execute(
            "select status from raw.eb_sessions where session_id = ?", [connection_id]
        ).fetchone()
        if row is None:
            message = f"there is no session {connection_id} in raw.eb_sessions"
            raise UnknownConnectionError(message)
        if row[0] != ACTIVE_STATUS:
            message = f"session {connection_id} has the status {row[0]}, not {ACTIVE_STATUS}"
            raise InactiveConnectionError(message)
    rows = connection.execute(
        # an account that several sessions name by one id is asked for once
        "select account_id, session_id from ("
        "  select unnest(account_ids) as account_id, session_id, opened_at from raw.eb_sessions"
        "  where status = $active and ($session is null or session_id = $session)"
        ") qualify row_number() over (partition by account_id order by opened_at desc) = 1 "
        "order by account_id",
        {"active": ACTIVE_STATUS, "session": connection_id},
    ).fetchall()
    return [AccountToFetch(account, session, LONGEST_DAYS) for account, session in rows]


def psu_headers_of(
    connection: duckdb.DuckDBPyConnection, settings: Sequence[ConnectionSettings]
) -> dict[str, Mapping[str, str]]:
    """What is to be sent of the user, by account; those of banks without a setting have nothing."""
    by_bank = {
        AspspName(name=one.bank, country=one.country).institution_id: one.psu_headers
        for one in settings
    }
    rows = connection.execute("select account_id, institution_id from raw.eb_accounts").fetchall()
    return {account: {**by_bank[bank]} for account, bank in rows if bank in by_bank}


def _remember(connection: duckdb.DuckDBPyConnection, account_ids: Sequence[str]) -> None:
    add_rows(
        connection,
        "raw.account_providers",
        "select unnest(?::varchar[]) as account_id, 'enable_banking' as provider",
        key=["account_id"],
        values=[list(account_ids)],
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
