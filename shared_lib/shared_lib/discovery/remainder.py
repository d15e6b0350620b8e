"""What is right in a file that has mistakes, so that the rest of it can be checked too."""

from collections.abc import Mapping, MutableSequence, Sequence
from typing import Any, cast

from shared_lib.configuration.validated_yaml import Problem, check_document
from shared_lib.discovery.configuration import LocationConfiguration

# A rule that matches no asset. It keeps the positions of the other rules.
_NO_RULE: Mapping[str, Any] = {"match": []}

# The sections whose entries are independent of one another.
_OF_ENTRIES = ("partitions", "assets", "jobs", "schedules", "sensors", "checks")


def remainder(document: Any, problems: Sequence[Problem]) -> LocationConfiguration | None:
    """Return the configuration without the entries that have problems.

    Args:
        document: the whole file, placeholders replaced.
        problems: what is wrong with it; the location of each begins with section and entry.

    Returns:
        The rest; None if the mistakes lie deeper than in entries.
    """
    if not isinstance(document, Mapping) or any(not problem.location for problem in problems):
        return None
    kept = {section: _copy(entries) for section, entries in document.items()}
    for section, *inner in (problem.location for problem in problems):
        entries = kept.get(section)
        if section not in _OF_ENTRIES or not inner or entries is None:
            kept.pop(section, None)
        elif isinstance(entries, MutableSequence):
            entries[cast("int", inner[0])] = dict(_NO_RULE)
        else:
            entries.pop(inner[0], None)
    found = check_document(kept, LocationConfiguration)
    return None if isinstance(found, list) else found


def _copy(entries: Any) -> Any:
    if isinstance(entries, Mapping):
        return dict(entries)
    return list(entries) if isinstance(entries, MutableSequence) else entries
