"""A message as blocks: what it shows, in which order, and which problems fit in full.

This is decided here for all formats. A format declares its room and lays out each block.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from orchestration_platform.alerts.facts.alert import Severity
from orchestration_platform.alerts.messages.message import Fact, Message, ShownProblem
from orchestration_platform.alerts.messages.thread import Entry, Trace
from orchestration_platform.alerts.messages.wording import Link, Span

# For a message that includes traces: a mail server refuses anything much longer.
_LONGEST_TRACES = 200_000
_NO_MORE_ROOM = "the stack trace is in the log of the run"


@dataclass(frozen=True)
class Header:
    """The title and the current severity."""

    text: str
    tone: Severity


@dataclass(frozen=True)
class Facts:
    """A line for each fact."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Failure:
    """A problem with its place and its error of at most ``longest`` characters."""

    problem: ShownProblem
    longest: int


@dataclass(frozen=True)
class Names:
    """The names of other failures."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Note:
    """Less important text: how many more there are, or the policy's description."""

    text: str


@dataclass(frozen=True)
class Buttons:
    """Links to more information."""

    links: tuple[Link, ...]


@dataclass(frozen=True)
class Line:
    """The line of an entry, and its subject if no thread shows that."""

    spans: tuple[Span, ...]
    about: str


# A trace directly below its problem has no name.
Block = Header | Facts | Failure | Trace | Names | Note | Buttons | Line


@dataclass(frozen=True, kw_only=True)
class Room:
    """How much a format has room for.

    Attributes:
        problems: how many problems it shows in full at most; unlimited if not set.
        errors: possible lengths of an error, longest first: the first that lets all fit is used.
        notes: how many notes of the policies it shows at most; unlimited if not set. They take half
            of the room at most, and the others are counted.
        lists_names: whether problems that are not shown in full are listed by name.
        traces: whether it shows stack traces below the problems.
        size: returns how much of the room a block takes.
        total: the room for all blocks.
    """

    problems: int | None = None
    notes: int | None = None
    errors: Sequence[int] = (4000,)
    lists_names: bool = False
    traces: bool = False
    size: Callable[[Block], int] = lambda _block: 0
    total: float = inf


def of_message(message: Message, room: Room) -> list[Block]:
    """Return the message of an incident, with as many problems in full as fit."""
    before: list[Block] = [Header(message.title, message.tone), Facts(message.facts)]
    after: list[Block] = []
    if message.description:
        after.append(Note(message.description))
    buttons: list[Block] = [Buttons(message.links)] if message.links else []
    left = room.total - sum(map(room.size, [*before, *after, *buttons]))
    notes = _notes(message, room, left / 2)
    left -= sum(map(room.size, notes))
    return [*before, *_problems(message, room, left), *after, *notes, *buttons]


def _notes(message: Message, room: Room, left: float) -> list[Block]:
    """Return the notes of the policies that fit into ``left``, and then the number of others."""
    shown: list[Block] = []
    for text in message.notes[: room.notes]:
        left -= room.size(Note(text))
        if left < 0:
            break
        shown.append(Note(text))
    more = len(message.notes) - len(shown)
    noun = "note" if more == 1 else "notes"
    return [*shown, Note(f"and {more} more {noun}")] if more else shown


def of_entry(entry: Entry, *, about: str = "") -> tuple[Line, *tuple[Trace, ...]]:
    """Return an entry; ``about`` is what it belongs to, if no thread shows that."""
    return (Line(entry.line, about), *entry.traces)


def shown_traces(problems: Sequence[ShownProblem]) -> list[str]:
    """Return each problem's stack trace while there is room, and then where to find it."""
    room, found = _LONGEST_TRACES, []
    for problem in problems:
        room -= len(problem.trace)
        found.append(problem.trace if room >= 0 or not problem.trace else _NO_MORE_ROOM)
    return found


def _problems(message: Message, room: Room, left: float) -> list[Block]:
    """Return the problems in full, the last ones by name only, and then the number of others."""
    full, sizes = _in_full(message.problems, room, left)
    names = [problem.short_name for problem in message.problems]
    lines = [room.size(Names((name,))) if room.lists_names else 0 for name in names]
    count = len(full)
    while count > 1 and sum(sizes[:count]) + sum(lines[count:]) > left:
        count -= 1
    if sum(sizes[:count]) > left:
        count = 0
    last = len(names) if room.lists_names else count
    while last > count and sum(sizes[:count]) + sum(lines[count:last]) > left:
        last -= 1
    blocks: list[Block] = []
    traces = shown_traces(message.problems) if room.traces else [""] * count
    for failure, trace in zip(full[:count], traces, strict=False):
        blocks += [failure, Trace("", trace)] if trace else [failure]
    if last > count:
        blocks.append(Names(tuple(names[count:last])))
    more = _more_than(message, last)
    return [*blocks, Note(more)] if more else blocks


def _in_full(
    problems: Sequence[ShownProblem], room: Room, left: float
) -> tuple[list[Failure], list[int]]:
    """Return the problems, with errors short enough for all to fit if possible, and the sizes."""
    full: list[Failure] = []
    sizes: list[int] = []
    for longest in room.errors:
        full = [Failure(problem, longest) for problem in problems[: room.problems]]
        sizes = list(map(room.size, full))
        if sum(sizes) <= left:
            break
    return full, sizes


def _more_than(message: Message, shown: int) -> str:
    """Return the line that counts all problems after the first ``shown``; empty if none."""
    count = len(message.problems) - shown + message.more_problems
    # the problems left out of ``problems`` are of the same kind
    those = message.problems if message.more_problems else message.problems[shown:]
    nouns = list(dict.fromkeys(problem.noun for problem in those)) or ["steps"]
    noun = "steps" if "steps" in nouns else " and ".join(nouns)
    if count == 1:
        noun = noun.removesuffix("s") if len(nouns) == 1 else "step"
    return f"and {count} more {noun}" if count else ""
