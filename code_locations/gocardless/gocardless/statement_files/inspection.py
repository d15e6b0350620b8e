"""What a file contains, for people: before it is imported, and to correct its mapping."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from gocardless.statement_files.detection import ReadFile
from gocardless.statement_files.formats.csv.inspection import Proposal
from gocardless.statement_files.periods import Period, periods_of
from gocardless.statement_files.statement import Entry, Statement

_SHOWN_ROWS = 5
_LONGEST_TEXT = 50


def described(read: ReadFile, path: Path) -> str:
    """The account, period, balances, sums, format, mapping, first rows and rejected lines."""
    return "\n".join(_lines(read, path))


def _lines(read: ReadFile, path: Path) -> Iterator[str]:
    content = read.content
    yield f"{path}: {content.file_format}, {read.encoding}"
    for statement in content.statements:
        yield from _statement(statement)
    if not content.statements and not (read.proposal and read.proposal.questions):
        yield "no statement"
    if content.rejects:
        yield f"rejected lines: {len(content.rejects)}"
    for reject in content.rejects:
        value = repr(reject.value[:_LONGEST_TEXT])
        yield f"  line {reject.line}: {reject.field} {value}: {reject.reason}"
    if content.notes:
        yield "lines that are not bookings, and values left empty:"
    for note in content.notes:
        yield f"  line {note.line}: {note.text}"
    if read.proposal:
        yield from _mapping(read.proposal, is_saved=read.is_saved)


def _mapping(proposal: Proposal, *, is_saved: bool) -> Iterator[str]:
    yield "mapping, saved:" if is_saved else "mapping, proposed:"
    values = proposal.mapping.model_dump(exclude_none=True, exclude={"columns"})
    for name, value in values.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        yield f"  {name}: {shown!r}" if name == "separator" else f"  {name}: {shown}"
    for role, column in proposal.mapping.columns:
        if column:
            yield f"  {role}: {', '.join(column) if isinstance(column, list) else column}"
    for question in proposal.questions:
        yield f"open: {question}"


def _statement(statement: Statement) -> Iterator[str]:
    account = statement.account
    named = " ".join(
        text
        for text in (account.iban or account.number, account.currency, account.owner_name)
        if text
    )
    yield f"account: {named if account.iban or account.number else f'not named, {named}'}"
    [period] = periods_of([statement])
    yield f"period: {period.first_day} to {period.last_day}"
    for balance in statement.balances:
        yield f"balance: {balance.kind} {balance.amount} {balance.currency} on {balance.day}"
    yield from _judged(period)
    for status in ("booked", "pending"):
        entries = [entry for entry in statement.entries if entry.status == status]
        if entries:
            yield f"{status}: {_sums(entries)}"
    for entry in statement.entries[:_SHOWN_ROWS]:
        text = " | ".join(part for part in (entry.counterparty, entry.description) if part)
        yield (
            f"  line {entry.line}: {entry.booking_date} {entry.amount:>12} {entry.currency} "
            f"{text[:_LONGEST_TEXT]}"
        )


def _judged(period: Period) -> Iterator[str]:
    if period.difference is not None:
        yield (
            "OK: the entries lead from the opening to the closing balance"
            if period.difference == 0
            else f"the entries miss the closing balance by {period.difference}"
        )


def _sums(entries: list[Entry]) -> str:
    came = sum((entry.amount for entry in entries if entry.amount > 0), Decimal(0))
    left = sum((entry.amount for entry in entries if entry.amount < 0), Decimal(0))
    count = "1 entry" if len(entries) == 1 else f"{len(entries)} entries"
    return f"{count}, {came} in, {left} out, {came + left} in all"
