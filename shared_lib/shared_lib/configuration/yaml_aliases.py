"""Refuse YAML whose aliases make a small file a huge document, or that is nested too deeply."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ruamel.yaml import events

MOST_ALIASED = 10_000
"""How many values aliases may add; the anchors of a file written by a person save some lines."""


MOST_NESTED = 50
"""How many lists and mappings may contain one another; ours have fewer than ten levels."""

# A block's level is at least one character deeper than that around it, but for a list in a mapping.
_DEEP_BLOCK = re.compile(rf"^[ ?:-]{{{MOST_NESTED // 2}}}", re.MULTILINE)


class ExpandingYamlError(ValueError):
    """Aliases multiply the values of a file, or its values are nested too deeply."""


def refuse_expansion(text: str, *, path: Path) -> None:
    """Check how many values ``text`` stands for and how deeply, without building any of them.

    Aliases share one value in memory, but whatever validates, copies or writes the document visits
    it as often as it is named: thirty lines that each name the one before twice are 2^30 visits.
    The loader calls itself for each level, and ends with a RecursionError at some hundreds.

    Args:
        text: YAML, valid or not; what is not valid is left for the loader to report.
        path: the file, for the message.

    Raises:
        ExpandingYamlError: the aliases add more than 10,000 values, or one contains itself, or more
            than 50 lists and mappings contain one another; the text has file and line.
    """
    if not (_may_have_aliases(text) or _may_be_deep(text)):
        return  # most files, which are not to be parsed twice
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    count = _Count()
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            problem = count.problem_after(event)
            if problem:
                raise ExpandingYamlError(f"{path}:{event.start_mark.line + 1}: {problem}")
    except YAMLError:
        return  # the loader reports it, with its line


def _may_have_aliases(text: str) -> bool:
    return "&" in text and "*" in text


def _may_be_deep(text: str) -> bool:
    return text.count("[") + text.count("{") >= MOST_NESTED // 2 or bool(_DEEP_BLOCK.search(text))


class _Count:
    """The number of values of each anchor, and of those that aliases add."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        # the open collections: anchor, and number of values so far
        self._open: list[tuple[str | None, int]] = []
        self._added = 0

    def problem_after(self, event: "events.Event") -> str | None:
        """Count an event of the parser; return what is wrong with the file, if anything is."""
        from ruamel.yaml import events

        match event:
            case events.CollectionStartEvent():
                self._open.append((event.anchor, 1))
                if len(self._open) > MOST_NESTED:
                    return f"more than {MOST_NESTED} lists and mappings contain one another here"
            case events.CollectionEndEvent():
                anchor, size = self._open.pop()
                self._add(anchor, size)
            case events.ScalarEvent():
                self._add(event.anchor, 1)
            case events.AliasEvent():
                return self._problem_of_alias(event.anchor)
        return None

    def _problem_of_alias(self, name: str) -> str | None:
        if any(anchor == name for anchor, _ in self._open):
            return f"the alias *{name} contains itself"
        size = self._sizes.get(name, 1)
        self._add(None, size)
        self._added += size
        if self._added <= MOST_ALIASED:
            return None
        return (
            f"the alias *{name} makes the aliases of this file stand for more than "
            f"{MOST_ALIASED:,} values: write the values, or name fewer"
        )

    def _add(self, anchor: str | None, size: int) -> None:
        if anchor:
            self._sizes[anchor] = size
        if self._open:
            parent, before = self._open[-1]
            self._open[-1] = parent, before + size
