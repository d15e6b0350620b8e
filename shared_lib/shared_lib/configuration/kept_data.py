"""How long locations keep their own old data: the section ``data`` of the platform's settings."""

import os
from pathlib import Path

from pydantic import Field

from shared_lib.configuration.section import Section
from shared_lib.configuration.validated_yaml import file_of, load_yaml, validate_document

VARIABLE = "PLATFORM_SETTINGS"


class KeptData(Section):
    """What the nightly jobs of the locations delete in warehouses and folders."""

    deletes: bool = Field(
        default=False,
        description="Whether the nightly jobs delete. Until then they report what they would.",
    )
    simulation_days: float = Field(
        default=365, ge=14, le=3650,
        description="Days for what the simulation recorded of runs that no stored year is of.",
    )  # fmt: skip
    report_days: float = Field(
        default=365, ge=14, le=3650,
        description="Days for reports; the newest of each scenario stays.",
    )  # fmt: skip
    lake_days: float = Field(
        default=30, ge=1, le=3650,
        description="Days for which the lake can be read as a run left it.",
    )  # fmt: skip


def kept_data() -> KeptData:
    """Return the section of the file that ``PLATFORM_SETTINGS`` names, or the defaults.

    Raises:
        ConfigurationError: the file does not exist, or the section is wrong.
    """
    if not os.environ.get(VARIABLE):
        return KeptData()
    path = file_of(VARIABLE, otherwise=Path())
    document = load_yaml(path)
    section = document.get("data") if isinstance(document, dict) else None
    return KeptData() if section is None else validate_document(section, KeptData, path=path)
