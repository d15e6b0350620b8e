"""Answers in Postgres, from their arrival until they are in the lake's tables."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from gocardless.bank_api.client import Answer
from gocardless.bank_api.limits import Limit
from gocardless.extraction.budget import Scope
from gocardless.extraction.journal import AnswerJournal, Body, Received, Wording
from shared_lib.warehouse.lake.catalog import Catalog


class SharedJournal(AnswerJournal[Body]):
    """The answers of one scope in Postgres, which any machine can take.

    Attributes:
        scope: what was asked for.
    """

    def __init__(self, catalog: Catalog, scope: Scope, wording: Wording[Body]) -> None:
        """Keep answers of ``scope``."""
        self._run, self.scope, self._wording = catalog.run, scope, wording

    def keep(self, received: Received[Body]) -> None:
        """Store an answer; several threads may do so at once."""
        head = {"at": received.at.isoformat(), "limit": asdict(received.answer.limit)}
        self._run(
            "insert into bank.answers (account_id, scope, head, body) "
            "values (%(account)s, %(scope)s, %(head)s, %(body)s) "
            "on conflict (account_id, scope) do update set "
            "head = excluded.head, body = excluded.body, refused_because = null",
            {
                **self._of(received.account_id),
                "head": json.dumps(head),
                "body": "".join(self._wording.write(received.answer.body)).encode(),
            },
        )

    def left(self, account_ids: Iterable[str]) -> list[str]:
        """Return the accounts for which an earlier run has left an answer."""
        found = self._run(
            "select account_id from bank.answers where scope = %(scope)s "
            "and refused_because is null",
            {"scope": self.scope},
        )
        there = {account_id for (account_id,) in found}
        return [account_id for account_id in account_ids if account_id in there]

    def read(self, account_id: str) -> Received[Body]:
        """Return the answer that an earlier run has left for an account.

        Raises:
            ValueError: it cannot be read.
        """
        [(head, body)] = self._run(
            "select head, body from bank.answers "
            "where account_id = %(account)s and scope = %(scope)s",
            self._of(account_id),
        )
        answer = Answer(self._wording.read(bytes(body).decode()), Limit(**head["limit"]))
        return Received(account_id, answer, datetime.fromisoformat(head["at"]))

    def set_aside(self, account_id: str, *, because: str) -> str:
        """Set aside an answer that no run can use; return where it is."""
        self._run(
            "update bank.answers set refused_because = %(because)s "
            "where account_id = %(account)s and scope = %(scope)s",
            {**self._of(account_id), "because": because},
        )
        return "bank.answers of the lake's Postgres"

    def forget(self, account_ids: Iterable[str]) -> None:
        """Delete answers that are in the lake, or are not needed there."""
        self._run(
            "delete from bank.answers "
            "where account_id = any(%(accounts)s::text[]) and scope = %(scope)s "
            "and refused_because is null",
            {"accounts": list(account_ids), "scope": self.scope},
        )

    def _of(self, account_id: str) -> dict[str, str]:
        return {"account": account_id, "scope": self.scope}
