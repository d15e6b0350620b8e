"""Answers on disk, from the moment they come until they are in the warehouse.

A bank counts a call when it has answered it, and answers are written many at once. A run that is
killed in between leaves them here, and the next run writes them instead of asking again. They are
safe from the death of the process, not from that of the machine: nothing is forced onto the disk,
which would take longer than most calls. One that cannot be taken is set aside and reported.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import quote

import duckdb

from gocardless.bank_api.client import Answer
from gocardless.bank_api.limits import Limit
from shared_lib.private_files import keep_files_private

Body = TypeVar("Body")


@dataclass(frozen=True)
class Received(Generic[Body]):
    """An answer of an account, and when it came, UTC."""

    account_id: str
    answer: Answer[Body]
    at: datetime


@dataclass(frozen=True)
class Wording(Generic[Body]):
    """How a body is written, as texts behind each other, and read again from them as one."""

    write: Callable[[Body], Sequence[str]]
    read: Callable[[str], Body]


class AnswerJournal(Generic[Body]):
    """The answers of one scope that are not in the warehouse yet: a file for each account.

    A process that keeps and forgets holds the warehouse for writing, so there is one at a time.
    """

    def __init__(self, directory: Path, wording: Wording[Body]) -> None:
        """Keep answers in ``directory``, which is made when it is needed."""
        self._directory, self._wording = directory, wording

    def keep(self, received: Received[Body]) -> None:
        """Write an answer down; all of it or nothing. Several threads may."""
        keep_files_private()
        self._directory.mkdir(parents=True, exist_ok=True)
        head = {"at": received.at.isoformat(), "limit": asdict(received.answer.limit)}
        path = self._path(received.account_id)
        unfinished = path.with_suffix(".unfinished")
        # part by part: to join answers to one text first takes twice the CPU
        with unfinished.open("wb") as file:
            file.write(f"{json.dumps(head)}\n".encode())
            file.writelines(part.encode() for part in self._wording.write(received.answer.body))
        unfinished.replace(path)

    def left(self, account_ids: Iterable[str]) -> list[str]:
        """The accounts of which an earlier run has left an answer."""
        if not self._directory.is_dir():
            return []
        return [account_id for account_id in account_ids if self._path(account_id).is_file()]

    def read(self, account_id: str) -> Received[Body]:
        """The answer that was left of an account.

        Raises:
            ValueError: the file holds no answer, as after a power failure; names the file.
        """
        path = self._path(account_id)
        with path.open(encoding="utf-8", newline="") as file:
            try:
                head = json.loads(file.readline())
                answer = Answer(self._wording.read(file.read()), Limit(**head["limit"]))
                return Received(account_id, answer, datetime.fromisoformat(head["at"]))
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise ValueError(f"{path} is not an answer that a run has left: {error}") from error

    def set_aside(self, account_id: str, *, because: str) -> str:  # noqa: ARG002 - said in the run
        """Keep an answer that cannot be taken where no run looks for it; returns where that is."""
        path = self._path(account_id)
        return path.replace(path.with_suffix(".refused")).name

    def forget(self, account_ids: Iterable[str]) -> None:
        """Drop answers that are in the warehouse, or need not be."""
        for account_id in account_ids:
            self._path(account_id).unlink(missing_ok=True)

    def _path(self, account_id: str) -> Path:
        return self._directory / f"{quote(account_id, safe='')}.answer"


def journal_of(
    connection: duckdb.DuckDBPyConnection, scope: str, wording: Wording[Body]
) -> AnswerJournal[Body] | None:
    """The journal of a scope beside the warehouse; none for one in memory, which dies as well."""
    rows: Sequence[tuple[str | None]] = connection.execute(
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchall()
    path = rows[0][0]
    if path is None:
        return None
    warehouse = Path(path)
    return AnswerJournal(warehouse.with_name(f"{warehouse.name}.answers") / scope, wording)
