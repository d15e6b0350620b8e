"""``python -m simulation.config.reference``: write docs/configuration.md from the models."""

import argparse

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.reference_page import reference_page
from simulation.config.settings import SimulationSettings

PAGE = REPOSITORY_ROOT / "docs" / "configuration.md"

_INTRODUCTION = """\
All that may stand in `code_locations/simulation/simulation/config/simulation_config.yaml`. This
page is written by `make docs` from the models that check the file; `schemas/` has the same as JSON
Schema, for editors. A scenario repeats, below `scenarios.<its name>`, only what it changes. Bands,
levels, hazards, merit rates and ages of new hires are the CSV files in `dbt_project/seeds/`."""


def page() -> str:
    """The page's text."""
    return reference_page(
        SimulationSettings, title="Configuration of the simulation", introduction=_INTRODUCTION
    )


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m simulation.config.reference", description=__doc__
    ).parse_args()
    PAGE.write_text(page(), encoding="utf-8")
