"""Keeps a part correct even if two writers both believe that they hold its lease.

DuckLake accepts two transactions that insert the same rows, but not two that change the same row.
So every part has a table with one row, the claim, which each transaction of its run changes.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import duckdb
from tenacity import (
    RetryCallState,
    retry,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from shared_lib.warehouse.lake.attachment import open_lake
from shared_lib.warehouse.lake.lease import in_words, lake_turn, writers
from shared_lib.warehouse.transaction import transaction

ALL = "all"
"""The part of a run that may write everything. Where parts share rows, its claim ends every other
one, and each of them ends it."""

# of a transaction that another one has overtaken; pauses of up to 0.2, 0.4, 0.8 ... 5 s
_ATTEMPTS = 8


class ClaimLostError(RuntimeError):
    """Another run has begun to write the same part."""


class WarehouseConflictError(RuntimeError):
    """Other transactions overtook this one at each attempt."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right of one run to write one part of a location's tables.

    Attributes:
        location: the code location.
        part: the part, such as a scenario.
        holder: the run, with its process and machine.
        shares_rows: whether transactions of other parts change the same rows, such as a list of all
            parts or the next number. DuckLake then refuses one of two that run at once, which
            happens after a turn is lost.
    """

    location: str
    part: str
    holder: str
    shares_rows: bool = False

    @property
    def _table(self) -> str:
        return self._table_of(self.part)

    def _table_of(self, part: str) -> str:
        quoted = part.replace('"', '""')
        return f'{self.location}.claims."{quoted}"'

    def take(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make this run the only one whose transactions on the part are accepted.

        Raises:
            WarehouseConflictError: others took it at the same time, again and again.
        """

        def put() -> None:
            with lake_turn(self.location), transaction(connection):
                self.put(connection)

        self.tried_again(put)

    def put(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the claim this run's, in the transaction that is under way."""
        connection.execute(f"create schema if not exists {self.location}.claims")
        self._put(connection, self.part)
        if self.shares_rows:
            others = connection.execute(
                "select table_name from duckdb_tables() "
                "where database_name = ? and schema_name = 'claims'",
                [self.location],
            ).fetchall()
            ended = {name for (name,) in others} if self.part == ALL else {ALL}
            for part in sorted(ended - {self.part}):
                self._put(connection, part)

    def _put(self, connection: duckdb.DuckDBPyConnection, part: str) -> None:
        table = self._table_of(part)
        # Two first writers of a row would both succeed, two creators of a table do not.
        connection.execute(f"create table if not exists {table} (holder varchar, changes bigint)")
        held = connection.execute(
            f"update {table} set holder = ?, changes = changes + 1",  # noqa: S608 - quoted
            [self.holder],
        ).fetchone()
        if held == (0,):
            connection.execute(f"insert into {table} values (?, 0)", [self.holder])  # noqa: S608 - quoted

    def confirm(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let the transaction that is under way succeed only if the claim is still this run's.

        Raises:
            ClaimLostError: another run has taken it; names that one.
        """
        held = connection.execute(
            f"update {self._table} set changes = changes + 1 where holder = ?",  # noqa: S608 - quoted
            [self.holder],
        ).fetchone()
        if held == (1,):
            if self.shares_rows and self.part != ALL:
                connection.execute(
                    f"update {self._table_of(ALL)} set changes = changes + 1"  # noqa: S608 - quoted
                )
            return
        [(other,)] = connection.execute(f"select holder from {self._table}").fetchall()  # noqa: S608 - quoted
        raise ClaimLostError(
            f"{self.part} of {self.location} has been taken over by {other}, so this run stops "
            "writing: let that run finish, then run again"
        )

    @contextmanager
    def written(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Make the changes of the block visible together, if the claim is still this run's.

        Raises:
            ClaimLostError: another run has taken it.
            WarehouseBusyError: other processes wrote for too long.
            duckdb.TransactionException: another process changed the same tables meanwhile.
        """
        with lake_turn(self.location), transaction(connection):
            self.confirm(connection)
            # names the snapshot, so that the lake can be read as this run left it
            connection.execute(
                "call ducklake_set_commit_message(?, ?, ?)", [self.location, self.holder, self.part]
            )
            yield

    def tried_again(self, attempt: Callable[[], None]) -> None:
        """Call ``attempt``, and again after a pause of random length when it was overtaken.

        Raises:
            WarehouseConflictError: it was overtaken each time.
        """

        def give_up(state: RetryCallState) -> None:
            cause = state.outcome.exception() if state.outcome else None
            raise self.conflict(state.attempt_number) from cause

        retry(
            retry=retry_if_exception(is_conflict),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            retry_error_callback=give_up,
        )(attempt)()

    def conflict(self, attempts: int) -> WarehouseConflictError:
        """Return the error of a transaction that was overtaken ``attempts`` times."""
        others = [holder for holder in writers(self.location) if holder != self.holder]
        return WarehouseConflictError(
            f"{self.part} of {self.location} could not be written: other processes changed the "
            f"same tables during each of {attempts} attempts; now "
            f"{' and '.join(others) or 'nobody'} is writing"
        )


@contextmanager
def claimed(
    location: str, *, part: str, holder: str, shares_rows: bool = False
) -> Iterator[tuple[Claim, duckdb.DuckDBPyConnection]]:
    """Take the claim on a part, and connect to the lake for as long as it is needed.

    Opening a lake costs 0.26 s of CPU, mostly for the extensions.
    """
    claim = Claim(location=location, part=part, holder=in_words(holder), shares_rows=shares_rows)
    with ExitStack() as stack:
        # two processes that create a lake at once collide in Postgres
        with lake_turn(location):
            connection = stack.enter_context(open_lake(location))
        claim.take(connection)
        yield claim, connection


def is_conflict(error: BaseException) -> bool:
    """Return whether DuckLake refused a transaction because of another one."""
    return isinstance(error, duckdb.TransactionException) and "conflict" in str(error)
