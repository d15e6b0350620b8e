"""Writes planned settings as a scenario of `simulation_config.yaml`, without touching the rest."""

import io
import shlex
import shutil
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML

from shared_lib.configuration.validated_yaml import (
    ConfigurationError,
    Problem,
    check_document,
    line_of,
    load_yaml,
)
from simulation.config import (
    ScenarioSettings,
    SimulationSettings,
    load_scenario,
    load_settings,
)

# A census is of the run, by CENSUS and MAPPING: its path would hold on this machine alone.
_OF_THE_RUN = ("path", "mapping")

# of a line in the file, in characters
_WIDTH = 100


class ScenarioExistsError(ConfigurationError):
    """The file has a scenario of this name, and nobody has agreed to replace it."""


def save_scenario(
    name: str,
    settings: ScenarioSettings,
    *,
    base: str,
    is_replacing: bool,
    path: Path,
) -> None:
    """Add a scenario with these settings to the configuration file.

    The file keeps its comments and all other lines. It is replaced only once its loader has read
    the new text, and has found these settings and every other scenario as it was.

    Args:
        name: of the scenario.
        settings: complete; what is as in the file's own sections is left out.
        base: the scenario that was planned on, for a comment.
        is_replacing: whether a scenario of this name may be replaced.
        path: the configuration file.

    Raises:
        ScenarioExistsError: see ``is_replacing``.
        ConfigurationError: the name is not allowed, or the file cannot hold the scenario.
    """
    document = load_yaml(path)
    problems = check_document({**document, "scenarios": {name: {}}}, SimulationSettings)
    if isinstance(problems, list):
        raise ConfigurationError("; ".join(each.text for each in cast("list[Problem]", problems)))
    before = {each: load_scenario(each, path=path) for each in load_settings(path).scenarios}
    if name in before and not is_replacing:
        message = f"there is a scenario {name} already"
        raise ScenarioExistsError(message)
    text = _with_scenario(path, document, name, _changes(settings, path=path), base=base)
    unchecked = path.with_name(f".{path.name}.unchecked")
    try:
        unchecked.write_text(text, encoding="utf-8")
        _check(unchecked, name, settings, before)
        shutil.copymode(path, unchecked)
        unchecked.replace(path)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise ConfigurationError(message) from None
    finally:
        unchecked.unlink(missing_ok=True)


def run_command(name: str, settings: ScenarioSettings, years: range) -> str:
    """Return the command that runs a saved scenario from the census that it was planned on."""
    census = settings.census
    wanted = {
        "SCENARIO": name,
        "CENSUS": census.path,
        "MAPPING": census.mapping,
        "YEARS": None if years == settings.simulation.years else f"{years[0]}-{years[-1]}",
    }
    words = [f"{variable}={value}" for variable, value in wanted.items() if value is not None]
    return shlex.join(["make", "run", *words])


def _changes(settings: ScenarioSettings, *, path: Path) -> dict[str, Any]:
    """Return in which settings a scenario departs from the sections of the file."""
    common = load_settings(path).model_dump(exclude={"scenarios"})
    changes: dict[str, Any] = {}
    for section, fields in settings.model_dump().items():
        if fields is None or common[section] is None:
            # a section that may be left out
            if fields != common[section]:
                changes[section] = _plain(fields)
            continue
        for field, value in fields.items():
            is_of_the_run = section == "census" and field in _OF_THE_RUN
            if value != common[section][field] and not is_of_the_run:
                changes.setdefault(section, {})[field] = _plain(value)
    return changes


def _plain(value: Any) -> Any:
    """Return a value with lists in place of tuples, which YAML does not know."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _with_scenario(
    path: Path, document: Any, name: str, changes: Mapping[str, Any], *, base: str
) -> str:
    """Return the file's text with the scenario after the last one, or in place of the old one."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    scenarios = document["scenarios"]
    neighbour = name if name in scenarios else list(scenarios)[-1]
    start = line_of(document, ("scenarios", neighbour)) - 1
    indent = _indent(lines[start])
    end = start + 1
    for number, line in enumerate(lines[start + 1 :], start=start + 2):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if _indent(line) <= indent:
            break
        end = number
    written = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.width = _WIDTH
    yaml.representer.sort_base_mapping_type_on_output = False
    yaml.dump({name: changes}, written)
    # on the first line, so that it goes with the scenario when that is replaced
    first, _, rest = written.getvalue().partition("\n")
    comment = f"# {base} with other assumptions, by make plan"
    block = textwrap.indent(f"{first}  {comment}\n{rest}", " " * indent)
    if name in scenarios:
        return "".join([*lines[:start], block, *lines[end:]])
    last = lines[end - 1]
    lines[end - 1] = last if last.endswith("\n") else f"{last}\n"
    return "".join([*lines[:end], block, *lines[end:]])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _check(
    path: Path, name: str, settings: ScenarioSettings, before: Mapping[str, ScenarioSettings]
) -> None:
    found = load_settings(path).scenarios
    expected = {each: kept for each, kept in before.items() if each != name}
    is_kept = set(found) == {*expected, name} and all(
        load_scenario(each, path=path) == kept for each, kept in expected.items()
    )
    written = load_scenario(name, path=path)
    if not is_kept or _comparable(written) != _comparable(settings):
        message = (
            f"the file cannot hold {name} beside what its own sections have; nothing was changed"
        )
        raise ConfigurationError(message)


def _comparable(settings: ScenarioSettings) -> dict[str, Any]:
    return settings.model_dump(exclude={"census": set(_OF_THE_RUN)})
