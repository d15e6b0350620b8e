"""Writes a fitted scenario as YAML: the shipped configuration with one more scenario at its end."""

from pathlib import Path
from typing import Any

import yaml

from shared_lib.private_files import keep_files_private
from simulation.config import CONFIGURATION_FILE, load_scenario, load_settings
from simulation.planning.fitted_numbers import Number
from simulation.planning.fitting import Fit
from simulation.planning.leaving import Factor

_LEAVING_BY = "leaving_by_"
_COLUMNS = {
    "termination_hazard_by_tenure": "tenure_band",
    "termination_hazard_by_age": "age_band",
    "termination_hazard_by_level": "level",
}


def scenario_text(name: str, fit: Fit) -> str:
    """Return the scenario as a part of `simulation_config.yaml`, each number with its evidence."""
    years = f"{fit.snapshots[0].year} to {fit.snapshots[-1].year}"
    lines = [
        f"  # Fitted to the censuses of {years}: {_files(fit)}.",
        "  # Each factor: people exposed, who left, raw factor, share z of it that is kept, and",
        f"  # where it lies with 90 %. z = e / (e + {fit.leaving.k:g}), e being expected leavers.",
        *(f"  # {warning}." for warning in fit.warnings),
        f"  {name}:",
    ]
    for section, values in fit.settings.items():
        lines.append(f"    {section}:")
        for key, value in values.items():
            lines += _entry(section, key, value, fit)
    return "\n".join(lines) + "\n"


def write_scenario(path: Path, name: str, fit: Fit) -> None:
    """Write the shipped configuration with the scenario, once its loader has accepted it.

    Raises:
        ConfigurationError: the loader does not accept it, for instance a name that exists.
    """
    shipped = CONFIGURATION_FILE.read_text(encoding="utf-8").rstrip("\n")
    keep_files_private()
    path.parent.mkdir(parents=True, exist_ok=True)
    unchecked = path.with_name(f".{path.name}.unchecked")
    try:
        unchecked.write_text(f"{shipped}\n\n{scenario_text(name, fit)}", encoding="utf-8")
        load_settings(unchecked)
        load_scenario(name, path=unchecked)
        unchecked.replace(path)
    finally:
        unchecked.unlink(missing_ok=True)


def _files(fit: Fit) -> str:
    return ", ".join(snapshot.path.name for snapshot in fit.snapshots)


def _entry(section: str, key: str, value: Any, fit: Fit) -> list[str]:
    if section == "workforce" and key.startswith(_LEAVING_BY):
        group = key.removeprefix(_LEAVING_BY)
        factors = {factor.name: factor for factor in fit.leaving.of(group)}
        return [
            f"      {key}:",
            *(
                f"        {_inline(name)}: {factor}  # {_evidence(factors[name])}"
                for name, factor in value.items()
            ),
        ]
    if (section, key) == ("hiring", "hiring_by_department"):
        hiring = {each.name: each for each in fit.hiring}
        return [
            f"      {key}:",
            *(
                f"        {_inline(name)}: {factor}  # {hiring[name].evidence}"
                for name, factor in value.items()
            ),
        ]
    if section == "tables":
        factors = {factor.name: factor for factor in fit.leaving.of(_COLUMNS.get(key, ""))}
        return [
            f"      {key}:",
            *(
                f"        - {_inline(row)}"
                + (
                    f"  # {_evidence(factors[str(row[_COLUMNS[key]])])}"
                    if key in _COLUMNS and str(row[_COLUMNS[key]]) in factors
                    else ""
                )
                for row in value
            ),
        ]
    number = next((one for one in fit.numbers if one.name == f"{section}.{key}"), None)
    comment = f"  # {_stated(number)}" if number else ""
    return [f"      {key}: {_inline(value)}{comment}"]


def _inline(value: Any) -> str:
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _evidence(factor: Factor) -> str:
    return (
        f"{factor.exposed:,} exposed, {factor.observed:,} left, raw {factor.raw:.2f}, "
        f"z {factor.credibility:.2f}, {factor.low:.2f} to {factor.high:.2f}"
    )


def _stated(number: Number) -> str:
    return (
        f"{number.exposed:,} exposed, observed {number.observed:,.6g}, "
        f"{number.low:.4f} to {number.high:.4f}" + (f"; {number.note}" if number.note else "")
    )
