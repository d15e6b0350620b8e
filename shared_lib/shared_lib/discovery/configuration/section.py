"""Types that several sections of ``orchestration.yaml`` have in common."""

from typing import Annotated

from pydantic import Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$")]
"""What Dagster allows as the name of a job, schedule, sensor or check."""

Reference = Annotated[
    str,
    StringConstraints(pattern=r"^\.*[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$"),
    Field(description="An object in a module, as `package.module:name` or `.module:name`."),
]

Pool = Annotated[str, StringConstraints(pattern=r"^\S+$")]
"""What Dagster allows as the name of a pool."""

KeyPrefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*$")]
"""What the keys of several assets begin with."""

MOST_MINUTES = 5_256_000
"""The maximum age of an asset: ten years."""

Tags = dict[str, str | int | float | bool]
