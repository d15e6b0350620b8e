"""Conditions that last until they are over, such as a daemon without a heartbeat.

The position holds what was going on in the last pass, by name.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.sources.source import Batch, Finding, Found


def known_at(marks: str | None) -> Mapping[str, Any]:
    """Return what was going on at the position ``marks``."""
    known = json.loads(marks) if marks else {}
    # earlier releases stored only the names
    return dict.fromkeys(known) if isinstance(known, list) else known


def changes(
    marks: str | None,
    now: Mapping[str, Any],
    *,
    begun: Callable[[str], Finding],
    over: Callable[[str], Recovery | None],
) -> Batch:
    """Return what has begun since the position ``marks``, and what is over.

    Args:
        marks: the position, if there is one.
        now: what is going on, by name. A value makes an entry new again whenever the value changes;
            ``None`` does not.
        begun: returns the finding for a name that is new.
        over: returns what recovers when a name is gone, if anything.
    """
    known = known_at(marks)
    new = [name for name in now if name not in known or now[name] not in (None, known[name])]
    gone = [name for name in known if name not in now]
    found = Found([begun(name) for name in new], list(filter(None, map(over, gone))))
    return Batch(expected=marks, position=json.dumps(dict(now)), found=found)
