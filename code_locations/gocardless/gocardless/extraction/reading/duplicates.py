"""Entries that one answer has more than once: sent twice, or happened twice.

A list that is the same list several times over was sent several times, if its entries are of two
days at least: a list of one day may be what was bought twice in the same order. Of what is left,
equal entries are one entry where they have one ``internalTransactionId``, which the vendor makes
for each transaction, or one ``transactionId`` that no different entry has; all others that are
equal happened as often as they are there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any


def counted(
    rows: Sequence[dict[str, Any]], *, may_be_sent_twice: bool = True
) -> list[dict[str, Any]]:
    """Each different entry once, with ``copies``: how often it happened.

    Args:
        rows: of one answer, in its order, with ``status``, ``payload_digest``,
            ``transaction_id`` and, where there is one, ``internal_transaction_id``.
        may_be_sent_twice: whether lists may have been sent several times; a file's are not.
    """
    counted_rows: list[dict[str, Any]] = []
    for status in dict.fromkeys(row["status"] for row in rows):
        of_status = [row for row in rows if row["status"] == status]
        once = _once(of_status) if may_be_sent_twice else of_status
        identifying = _identifying(once)
        counts = Counter(row["payload_digest"] for row in once)
        for row in {row["payload_digest"]: row for row in once}.values():
            is_one = row.get("internal_transaction_id") or row["transaction_id"] in identifying
            counted_rows.append({**row, "copies": 1 if is_one else counts[row["payload_digest"]]})
    return counted_rows


def _once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    digests = [row["payload_digest"] for row in rows]
    days = [row["booking_date"] for row in rows]
    for length in range(2, len(rows) // 2 + 1):
        times, rest = divmod(len(rows), length)
        is_repeated = rest == 0 and digests == digests[:length] * times
        if is_repeated and len(set(days[:length])) > 1:
            return rows[:length]
    return rows


def _identifying(rows: Iterable[dict[str, Any]]) -> set[str]:
    """Return the identifiers that only equal entries have."""
    entries: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["transaction_id"] is not None:
            entries[row["transaction_id"]].add(row["payload_digest"])
    return {identifier for identifier, digests in entries.items() if len(digests) == 1}
