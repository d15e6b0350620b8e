"""Write what the code locations of trees define, as JSON; a program, run as a process of its own.

``python -P loaded_definitions.py`` reads a line of JSON for each tree: the tree, its manifest, the
folders of its packages and the file to write. It forks for each, so that Dagster and dbt are
imported once. It uses nothing of this package: an older tree has no such modules.
"""

import ast
import gc
import hashlib
import importlib
import json
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

_LOCATION_KEYS = ("python_module", "python_package")
# entries of orchestration.yaml that the definitions show as well
_LOADED = frozenset(
    {"asset", "cron", "description", "interval_seconds", "job", "partitions", "tags", "timezone"}
)
_SCALARS = (str, int, float, bool, type(None))


# what the locations import, and what is of no tree
_PRELOADED = ("dagster_dbt", "dbt.cli.main", "duckdb", "pandas")


def main() -> int:
    """Load each tree in a process of its own; fail if one of them does."""
    gc.disable()  # a third of the time, and no definition becomes garbage
    for name in _PRELOADED:
        importlib.import_module(name)
    # warnings would be those of the imports, and flushed by each process
    sys.stderr.flush()
    children = []
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_write(**json.loads(line)))
        children.append(child)
    return int(sum(os.waitpid(child, 0)[1] for child in children) > 0)


def _write(tree: str, manifest: str, packages: list[str], output: str) -> int:
    sys.path[:0] = packages
    os.chdir(tree)
    try:
        text = json.dumps(_definitions(Path(tree), Path(manifest)))
        Path(output).write_text(text, encoding="utf-8")
    except BaseException:  # noqa: BLE001 - printed; the preview shows it
        traceback.print_exc()
        return 1
    finally:
        sys.stderr.flush()
    return 0


def _definitions(tree: Path, manifest: Path) -> dict[str, Any]:
    """Return the definitions of each location, or why it cannot be loaded."""
    workspace = yaml.safe_load((tree / "workspace.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = {}
    for entry in workspace["load_from"]:
        module = _module_of(entry)
        if module is None:
            continue
        name = module.partition(".")[0]
        try:
            found[name] = _location(module, tree, manifest)
        except Exception as error:  # noqa: BLE001 - the preview shows why a location does not load
            found[name] = {"error": f"{type(error).__name__}: {error}"}
    return found


def _module_of(entry: Mapping[str, Any]) -> str | None:
    for key in _LOCATION_KEYS:
        if key in entry:
            value = entry[key]
            written = {"module_name": value} if isinstance(value, str) else value
            return written.get("module_name") or written.get("package_name")
    return None


def _location(module: str, tree: Path, manifest: Path) -> dict[str, Any]:
    from shared_lib.dbt import project

    # the manifest that was parsed for the preview is that of every location
    package = module.partition(".")[0]
    project.TARGET_DIRECTORY = manifest.parent
    link = manifest.parent / package
    link.mkdir(exist_ok=True)
    with suppress(FileExistsError):  # both trees share it where no model differs
        (link / manifest.name).symlink_to(manifest)
    loaded = importlib.import_module(module)
    [definitions] = [one for one in vars(loaded).values() if isinstance(one, dg.Definitions)]
    file = Path(str(loaded.__file__)).with_name("orchestration.yaml")
    written = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
    repository = definitions.get_repository_def()
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    return {
        "assets": dict(_assets(definitions, repository, tree)),
        "checks": dict(_checks(repository, written)),
        "jobs": {job.name: _job(job, written) for job in jobs},
        "schedules": {one.name: _schedule(one, written) for one in repository.schedule_defs},
        "sensors": {one.name: _sensor(one, written) for one in repository.sensor_defs},
        "models": dict(_models(definitions)),
    }


def _assets(definitions: Any, repository: Any, tree: Path) -> Iterator[tuple[str, Any]]:
    graph = repository.asset_graph
    for spec in definitions.resolve_all_asset_specs():
        node = graph.get(spec.key)
        yield (
            spec.key.to_user_string(),
            {
                # dagster_dbt adds the SQL of a model, which is compared as code
                "description": (spec.description or "").partition("\n\n#### Raw SQL:")[0],
                "group": spec.group_name,
                "owners": sorted(spec.owners),
                "kinds": sorted(spec.kinds),
                "tags": {k: v for k, v in spec.tags.items() if not k.startswith("dagster/kind/")},
                "upstream": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
                "partitions": None if spec.partitions_def is None else str(spec.partitions_def),
                "backfill": None if node.backfill_policy is None else str(node.backfill_policy),
                "freshness": None if node.freshness_policy is None else str(node.freshness_policy),
                "automation": _condition(spec.automation_condition),
                # that of a model is a digest of its SQL, which is compared as code
                "code version": None
                if "dagster_dbt/unique_id" in spec.metadata
                else spec.code_version,
                "pools": sorted(node.pools or []),
                "columns": _columns(spec.metadata),
                "code": _code(spec.metadata, tree),
                **_scalars(spec.metadata),
            },
        )


def _condition(condition: Any) -> str | None:
    # the label stays the same when the parts change
    return None if condition is None else f"{condition.get_label() or ''} {_digest(str(condition))}"


def _columns(metadata: Mapping[str, Any]) -> dict[str, str] | None:
    schema = metadata.get("dagster/column_schema")
    return {column.name: column.type for column in schema.columns} if schema else None


def _scalars(metadata: Mapping[str, Any]) -> dict[str, Any]:
    values = {key: getattr(value, "value", value) for key, value in metadata.items()}
    return {
        key: value
        for key, value in values.items()
        # the name of the file differs between the trees, and what dbt adds is in the model itself
        if isinstance(value, _SCALARS)
        and not key.startswith(("dagster_dbt/", "dagster/table_name"))
    }


def _code(metadata: Mapping[str, Any], tree: Path) -> str | None:
    """Return a digest of the functions and SQL that make an asset, whatever line they begin at."""
    references = getattr(metadata.get("dagster/code_references"), "code_references", [])
    texts = []
    for reference in references:
        path = getattr(reference, "file_path", None)
        if path and Path(path).is_file() and Path(path).resolve().is_relative_to(tree.resolve()):
            texts.append(_text(Path(path), reference.line_number))
    return _digest("\n".join(texts)) if texts else None


def _text(path: Path, line: int | None) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py" or line is None:
        return text
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if first <= line <= (node.end_lineno or first):
                return ast.unparse(node)
    return ""


def _checks(repository: Any, written: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    graph = repository.asset_graph
    for key in graph.asset_check_keys:
        node = graph.get(key)
        yield (
            f"{key.asset_key.to_user_string()}:{key.name}",
            {
                "description": node.description,
                "blocking": node.blocking,
                "automation": _condition(node.automation_condition),
                **_written(written, "checks", key.name),
            },
        )


def _job(job: Any, written: Mapping[str, Any]) -> dict[str, Any]:
    keys = job.asset_layer.executable_asset_keys if job.asset_layer else []
    return {
        "description": job.description,
        "assets": sorted(key.to_user_string() for key in keys),
        # those of a job of assets follow from its assets and their checks
        "steps": [] if keys else sorted(node.name for node in job.nodes),
        "partitions": None if job.partitions_def is None else str(job.partitions_def),
        "tags": dict(job.tags),
        "executor": job.executor_def.name,
        **_written(written, "jobs", job.name),
    }


def _schedule(schedule: Any, written: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "description": schedule.description,
        "cron": schedule.cron_schedule,
        "time zone": schedule.execution_timezone,
        "job": schedule.job_name,
        "default status": schedule.default_status.value,
        **_written(written, "schedules", schedule.name),
    }


def _sensor(sensor: Any, written: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "description": sensor.description,
        "interval seconds": sensor.minimum_interval_seconds,
        "jobs": sorted(target.job_name for target in sensor.targets),
        "default status": sensor.default_status.value,
        "type": sensor.sensor_type.value,
        **_written(written, "sensors", sensor.name),
    }


def _written(written: Mapping[str, Any], section: str, name: str) -> dict[str, Any]:
    """Return what orchestration.yaml has of a definition: Dagster keeps no check's parameters."""
    entry = (written.get(section) or {}).get(name) or {}
    return {f"its {key}": value for key, value in entry.items() if key not in _LOADED}


def _models(definitions: Any) -> Iterator[tuple[str, str]]:
    for spec in definitions.resolve_all_asset_specs():
        unique_id = spec.metadata.get("dagster_dbt/unique_id")
        if unique_id:
            yield getattr(unique_id, "value", unique_id), spec.key.to_user_string()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # about both trees alike; `make smoke` reports them
    sys.exit(main())
