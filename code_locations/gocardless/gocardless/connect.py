"""``python -m gocardless.connect``: connect a bank, or renew a connection that ends.

For Enable Banking it prints the link that the accounts' owner opens, takes the code of the page
that the bank returns to, or that page's whole address, and stores the session. To renew, connect
again: accounts of the same IBAN and currency go on with their history. For GoCardless it prints
the link; the next sync finds the requisition.
"""

import argparse
import difflib
import secrets as random
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from gocardless.accounts.settings import ConnectionSettings, accounts_path, load_settings
from gocardless.bank_account_data.client import connect as connect_gocardless
from gocardless.bank_account_data.shared_tokens import TokensBusyError
from gocardless.bank_api.addresses import ApiAddressError
from gocardless.bank_api.errors import ApiError
from gocardless.enable_banking.client import EnableBankingClient, connect_enable_banking
from gocardless.enable_banking.models import Aspsp, NewSession
from gocardless.enable_banking.sessions import record_session
from gocardless.enable_banking.tables import create_enable_banking_tables
from gocardless.extraction.fetch_scope import utc_now
from gocardless.opening import bank_tables
from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.secrets import SecretError, SecretsResource
from shared_lib.warehouse import WarehouseSettingError
from shared_lib.warehouse.lake.catalog import CatalogUnreachableError

REDIRECT_URL = "https://localhost/"
PROVIDERS = ("enable_banking", "gocardless")
_LONGEST_CONSENT = timedelta(days=180)
_MARGIN = timedelta(minutes=5)


class ConnectError(ValueError):
    """The bank cannot be connected so; the text says what to change."""


_REFUSALS = (
    ApiAddressError,
    ApiError,
    CatalogUnreachableError,
    ConfigurationError,
    ConnectError,
    SecretError,
    TokensBusyError,
    WarehouseSettingError,
)


def main(arguments: Sequence[str] | None = None, ask: Callable[[str], str] = input) -> int:
    """Run the command line; the exit status is 1 where nothing was connected."""
    parser = argparse.ArgumentParser(
        prog="python -m gocardless.connect",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--provider", choices=PROVIDERS, required=True)
    parser.add_argument("--bank", required=True, help="its name; for GoCardless its id")
    parser.add_argument("--country", help="two letters; needed where several have such a bank")
    parser.add_argument(
        "--redirect-url",
        help="where the bank's page returns to, as registered with the provider; by default that "
        f"of the connection in the settings file, else {REDIRECT_URL}",
    )
    parser.add_argument("--business", action="store_true", help="the account is a business's")
    parser.add_argument(
        "--code", help="the code, or the whole address of the page that the bank has returned to"
    )
    asked = parser.parse_args(arguments)
    try:
        if asked.provider == "gocardless":
            _require(asked)
        else:
            _connect(asked, ask)
    except _REFUSALS as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _require(asked: argparse.Namespace) -> None:
    if asked.code:
        raise ConnectError("GoCardless needs no code: open the link, then run the sync")
    client = connect_gocardless(SecretsResource(location="gocardless"))
    print(client.require(asked.bank, redirect_url=asked.redirect_url or REDIRECT_URL).link)
    print("Open it; the next gocardless_sync_job finds the connection.")


def _connect(asked: argparse.Namespace, ask: Callable[[str], str]) -> None:
    client = connect_enable_banking(SecretsResource(location="gocardless"))
    code = code_of(asked.code) if asked.code else None
    if code is None:
        bank = bank_named(client, asked.bank, asked.country)
        chosen = setting_of(bank)
        state = random.token_urlsafe(16)
        started = client.authorise(
            authorisation_request(
                bank,
                redirect_url=asked.redirect_url or chosen.redirect_url or REDIRECT_URL,
                state=state,
                psu_type="business" if asked.business else "personal",
                now=utc_now(),
            )
        )
        print(started.url)
        code = code_of(ask("Open it, and paste the address of the last page or its code: "), state)
    session = client.open_session(code)
    store(session)
    print(
        f"{session.aspsp.name}: {len(session.accounts)} accounts until "
        f"{session.access.valid_until.astimezone(UTC):%Y-%m-%d %H:%M} UTC; "
        "run enable_banking_sync_job"
    )


def setting_of(bank: Aspsp) -> ConnectionSettings:
    """How the settings file says that the bank is connected.

    Raises:
        ConfigurationError: the file is wrong.
        ConnectError: it has some of the headers that the bank demands, and not all.
    """
    path = accounts_path()
    found = next(
        (
            one
            for one in load_settings(path).connections
            if (one.bank, one.country) == (bank.name, bank.country)
        ),
        ConnectionSettings(provider="enable_banking", bank=bank.name, country=bank.country),
    )
    given = {name.lower() for name in found.psu_headers}
    missing = [one for one in bank.required_psu_headers or () if one.lower() not in given]
    if given and missing:
        raise ConnectError(f"{path}: psu_headers of {bank.name} lack {', '.join(missing)}")
    return found


def bank_named(client: EnableBankingClient, name: str, country: str | None) -> Aspsp:
    """The bank of that name.

    Raises:
        ConnectError: no bank has this name, or several do; the message lists the choices.
    """
    banks = client.aspsps(country.upper() if country else None)
    found = [bank for bank in banks if bank.name.casefold() == name.strip().casefold()]
    if not found:
        known = {bank.name.casefold(): bank.name for bank in banks}
        close = difflib.get_close_matches(name.casefold(), known, n=3)
        meant = f": did you mean {' or '.join(known[one] for one in close)}?" if close else ""
        raise ConnectError(f"--bank: there is no {name!r} among {len(banks)} banks{meant}")
    if len(found) > 1:
        countries = ", ".join(sorted(bank.country for bank in found))
        raise ConnectError(f"--bank: {name!r} is in {countries}: choose one with --country")
    return found[0]


def authorisation_request(
    bank: Aspsp, *, redirect_url: str, state: str, psu_type: str, now: datetime
) -> dict[str, object]:
    """What is asked of the owner: accounts, balances and transactions, as long as allowed.

    Raises:
        ConnectError: the bank does not serve such a user.
    """
    if psu_type not in bank.psu_types:
        option = "with" if psu_type == "personal" else "without"
        raise ConnectError(
            f"{bank.name} serves {', '.join(bank.psu_types)}: run {option} --business"
        )
    longest = min(timedelta(seconds=bank.maximum_consent_validity), _LONGEST_CONSENT)
    return {
        "access": {
            "valid_until": (now + longest - _MARGIN).isoformat(timespec="seconds"),
            "balances": True,
            "transactions": True,
        },
        "aspsp": {"name": bank.name, "country": bank.country},
        "state": state,
        "redirect_url": redirect_url,
        "psu_type": psu_type,
    }


def code_of(text: str, state: str | None = None) -> str:
    """The code that ``text`` is, or that it has as an address.

    Raises:
        ConnectError: the bank's page has returned an error, or the address is of another attempt.
    """
    text = text.strip()
    if "://" not in text:
        if not text:
            raise ConnectError("no code: start again")
        return text
    sent = {name: values[0] for name, values in parse_qs(urlsplit(text).query).items()}
    if "error" in sent:
        described = sent.get("error_description", "")
        raise ConnectError(
            f"the owner or the bank has refused: {sent['error']} {described}".strip()
        )
    if state is not None and sent.get("state") != state:
        raise ConnectError("the address is not of this attempt: its state differs; start again")
    if "code" not in sent:
        raise ConnectError("the address has no code: copy the whole of it")
    return sent["code"]


def store(session: NewSession) -> None:
    """Write a session into the warehouse."""
    with bank_tables("a new connection") as connection:
        create_enable_banking_tables(connection)
        record_session(connection, session, at=utc_now(), run_id="connect")


if __name__ == "__main__":
    sys.exit(main())
