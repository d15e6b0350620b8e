"""Stack traces as Slack's code blocks: whole if there is room, else without their middle."""

from collections.abc import Iterator, Sequence

from orchestration_platform.alerts.messages.formats.mrkdwn import escaped, fence
from orchestration_platform.alerts.messages.text import cut, length
from orchestration_platform.alerts.messages.thread import Trace

_FENCES = len("```\n\n```")
_LONGEST_NAME = 200
_LONGEST_NAME_IN_MANY = 80
_FEW_TRACES = 5
# When the middle of a trace is left out, a line longer than this, and than its share of the room,
# is cut, and this share of the kept lines is the end of the trace.
_LONGEST_LINE = 600
_SHARE_OF_END = 0.7
_UNLIMITED = 10**9
_CUT = " …"


def trace_texts(traces: Sequence[Trace], *, room: int, longest: int) -> list[str]:
    """Return mrkdwn texts that show the traces, each below its name.

    Args:
        traces: what to show, at most twenty.
        room: the maximum length of all texts together.
        longest: the maximum length of one text.
    """
    longest_name = _LONGEST_NAME if len(traces) <= _FEW_TRACES else _LONGEST_NAME_IN_MANY
    names = [f"*{escaped(trace.name, longest_name)}*\n" for trace in traces]
    lines = [_lines(trace) for trace in traces]
    whole = [_blocks(name, inside, longest) for name, inside in zip(names, lines, strict=True)]
    needs = [sum(map(length, texts)) for texts in whole]
    texts: list[str] = []
    for name, inside, shown, share in zip(names, lines, whole, _shares(needs, room), strict=True):
        fits = sum(map(length, shown)) <= share
        texts += shown if fits else _blocks(name, _without_middle(name, inside, share), longest)
    return texts


def _lines(trace: Trace) -> list[str]:
    return escaped(trace.text, _UNLIMITED).strip("\n").split("\n")


def _shares(needs: Sequence[int], room: int) -> list[int]:
    """Return each share: what it needs, or for the long ones, an equal part of what is left."""
    shares = [0] * len(needs)
    left = room
    by_need = sorted(range(len(needs)), key=needs.__getitem__)
    for taken, position in enumerate(by_need):
        shares[position] = min(needs[position], left // (len(needs) - taken))
        left -= shares[position]
    return shares


def _without_middle(name: str, lines: Sequence[str], share: int) -> list[str]:
    """Return the first and last lines, with a line between them that counts the omitted ones."""
    # the fences of each block, and of lines that are split over two blocks
    overhead = length(name) + length(_left_out(0)) + 1 + 3 * _FENCES + share // 100
    room = max(share - overhead, 40)
    longest = min(max(_LONGEST_LINE, room // len(lines)), room // 2)
    shown = [cut(line, longest) for line in lines]
    end = _fitting(reversed(shown), room * _SHARE_OF_END)
    used = sum(length(line) + 1 for line in shown[len(shown) - end :])
    beginning = min(_fitting(shown, room - used), len(shown) - end)
    missing = len(shown) - beginning - end
    return [*shown[:beginning], _left_out(missing), *shown[len(shown) - end :]]


def _fitting(lines: Iterator[str] | Sequence[str], room: float) -> int:
    """Return how many of the lines, counted from the first, fit into ``room``."""
    count = 0
    for line in lines:
        room -= length(line) + 1
        if room < 0:
            break
        count += 1
    return count


def _left_out(lines: int) -> str:
    if not lines:
        return "… the ends of long lines are left out, the run's log has them …"
    return f"… {lines} {'line' if lines == 1 else 'lines'} left out, the run's log has them …"


def _blocks(name: str, lines: Sequence[str], longest: int) -> list[str]:
    """Return the escaped lines in as many code blocks as needed; the first block has the name."""
    texts: list[str] = []
    inside: list[str] = []
    room = longest - length(name) - _FENCES
    for line in (piece for whole in lines for piece in _pieces(whole, room)):
        if inside and length("\n".join([*inside, line])) > room:
            texts.append(fence("\n".join(inside)))
            inside = []
        inside.append(line)
    texts.append(fence("\n".join(inside)))
    return [name + texts[0], *texts[1:]]


def _pieces(line: str, limit: int) -> Iterator[str]:
    """Split a line into parts of at most ``limit``, never inside an emoji or an entity."""
    while length(line) > limit:
        # if all of it is accents of one character, it is cut anywhere
        piece = cut(line, limit).removesuffix(_CUT) or line[: limit // 2]
        yield piece
        line = line[len(piece) :]
    yield line
