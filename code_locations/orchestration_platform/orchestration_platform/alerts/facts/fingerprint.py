"""Which failures count as the same failure."""

import hashlib
import re

# The order matters: an identifier contains numbers.
_VARIABLE_PARTS = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    # names of temporary files, and of requests at Amazon and elsewhere
    (re.compile(r"(?<=/)tmp[a-z0-9_]{8}\b"), "<temporary>"),
    (re.compile(r"\b(?=[A-Z]*\d)[A-Z0-9]{12,}\b"), "<id>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<address>"),
    (re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\d+([.,]\d+)*"), "<n>"),
    (re.compile(r"\s+"), " "),
)
_MAPPING_INDEX = re.compile(r"\[[^\]]*\]")
_COMPARED_CHARACTERS = 500


def fingerprint(  # the parts that identify a failure
    *,
    event_type: str,
    location: str,
    subject: str,
    step: str,
    error_class: str,
    message: str,
    partition: str = "",
) -> str:
    """Return the same text for the same failure.

    Args:
        event_type: what has happened.
        location: the code location.
        subject: the job, or the assets of an automation run.
        step: the step that failed first.
        error_class: the class of its error.
        message: the error's text; numbers, times, identifiers and the partition do not count.
        partition: the partition of the run.
    """
    parts = (
        event_type,
        location,
        subject,
        without_mapping_index(step),
        error_class,
        normalised(message, partition=partition),
    )
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def without_mapping_index(step: str) -> str:
    """Return ``load[*]`` for ``load[3]`` and for ``load[4]``."""
    return _MAPPING_INDEX.sub("[*]", step)


def normalised(message: str, *, partition: str = "") -> str:
    """Return ``message`` without the parts that differ between repeats."""
    # a multi-dimensional key, and then each of its parts; in file names too
    for part in filter(None, [partition, *partition.split("|")]):
        message = re.sub(rf"(?<![^\W_]){re.escape(part)}(?![^\W_])", "<partition>", message)
    for pattern, replacement in _VARIABLE_PARTS:
        message = pattern.sub(replacement, message)
    return message.strip()[:_COMPARED_CHARACTERS]
