"""``python -m bench.gocardless.server``: the sandbox with many accounts, in a separate process.

Responses with transactions are rendered ahead, so that it keeps up with its latency. It prints its
URL. Then, for each line on standard input, it prints how many calls it has had since the last one.
"""

import sys
from datetime import UTC, date, datetime, timedelta

from sandboxes.bank.bank import Bank, SandboxAccount, SandboxState, account_uuid
from sandboxes.bank.control import CONTROL_PATH
from sandboxes.bank.ledger import TrueLedger
from sandboxes.bank.server import sandbox_server

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATENCY_SECONDS = 0.05
ACCOUNTS, TRANSACTIONS, NEW_A_DAY = 1_000, 1_000, 20
ACCOUNTS_OF_A_CONNECTION = 4
DAYS = 90  # all of which each day asks for again


def main() -> None:
    """Serve until standard input ends."""
    state = SandboxState(latency_seconds=LATENCY_SECONDS, calls_a_minute=1_000_000)
    state.clock.set(NOON)
    bank = Bank("BENCH_BNCHDEFF", "Bench", calls_a_day=100)
    for first in range(0, ACCOUNTS, ACCOUNTS_OF_A_CONNECTION):
        numbers = range(first, first + ACCOUNTS_OF_A_CONNECTION)
        ledgers = [TrueLedger(account_uuid(number), "EUR") for number in numbers]
        for account in state.connect(bank, ledgers).accounts:
            _prepare(account)
    with sandbox_server(state) as server:
        print(server.url, flush=True)
        for _ in sys.stdin:
            calls = [path for _, path in state.calls if path != CONTROL_PATH]
            print(len(calls), flush=True)
            state.calls.clear()


def _prepare(account: SandboxAccount) -> None:
    today = NOON.date()
    entries = [
        (today - timedelta(days=number * DAYS // TRANSACTIONS), number)
        for number in range(TRANSACTIONS)
    ]
    tomorrow = today + timedelta(days=1)
    new = [(tomorrow, TRANSACTIONS + number) for number in range(NEW_A_DAY)]
    again = [entry for entry in entries if entry[0] >= tomorrow - timedelta(days=DAYS)]
    account.prepared = {
        (today - timedelta(days=DAYS), today): _rendered(account, entries),
        (tomorrow - timedelta(days=DAYS), tomorrow): _rendered(account, new + again),
    }


def _rendered(account: SandboxAccount, entries: list[tuple[date, int]]) -> bytes:
    own = account.account_id[:8]
    booked = ",".join(
        f'{{"transactionId":"{own}-{number:06d}","internalTransactionId":"{number:08d}{own}",'
        f'"bookingDate":"{day}","valueDate":"{day}","transactionAmount":'
        f'{{"amount":"-{number % 97}.{number % 100:02d}","currency":"EUR"}},'
        f'"creditorName":"Markt {number % 11}","remittanceInformationUnstructured":'
        f'"EINKAUF SAGT DANKE {day:%d.%m.} BELEG {number} KARTE {own}"}}'
        for day, number in entries
    )
    lists = f'{{"booked":[{booked}],"pending":[]}}'
    return f'{{"transactions":{lists},"last_updated":"{NOON.isoformat()}"}}'.encode()


if __name__ == "__main__":
    main()
