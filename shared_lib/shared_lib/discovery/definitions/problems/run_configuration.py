"""Run configuration that does not fit the job that it is for."""

import re
from collections.abc import Iterator, Mapping
from textwrap import shorten
from typing import Any

import dagster as dg

from shared_lib.configuration.validated_yaml import Location, Problem

# Where Dagster's message names the field: `root:ops:load:config`.
_PATH = re.compile(r"\bat path root((?::\w+)*)")
_PLACE = re.compile(r" at (path [\w:]+|the root)")

# Dagster's message contains the whole schema.
_WIDTH = 300


def misfits(
    job: dg.JobDefinition, config: Mapping[str, Any], location: Location
) -> Iterator[Problem]:
    """Yield what Dagster would refuse when a run of the job starts.

    Args:
        job: the job, with its resources.
        config: the run configuration in the file.
        location: where the file has it.
    """
    try:
        dg.validate_run_config(job, config)
    except dg.DagsterInvalidConfigError as refused:
        for error in refused.errors:
            found = _PATH.search(error.message)
            inner = found.group(1).split(":")[1:] if found else []
            text = _PLACE.sub("", " ".join(error.message.split()))
            shown = shorten(text, _WIDTH, placeholder=" ...")
            yield Problem((*location, *inner), f"does not fit the job {job.name}: {shown}")
