"""The cost of a location of 1,000 assets and 200 jobs in YAML, beside the same in Python."""

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.figures.measuring import measure
from shared_lib.configuration.environment import REPOSITORY_ROOT

ASSETS, JOBS = 1_000, 200

# Each asset's upstream is the one this many before it.
_UPSTREAM = 7

_ASSET = """
@dg.asset({attributes}{dependencies})
def asset_{number}() -> None: ...
"""
_ATTRIBUTES = (
    'group_name="group_{group}", owners=["team:bench"], kinds={{"duckdb"}}, '
    'tags={{"tier": "gold"}}, partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run(), '
)


_EVERY_ASSET = (
    '  - {match: "*", owners: ["team:bench"], kinds: [duckdb], tags: {tier: gold}, '
    "partitions: days, backfill: {}}"
)


@dataclass(frozen=True)
class Discovered:
    """CPU seconds to load in a fresh process, and the median of their pairwise ratios."""

    yaml_cpu_seconds: float
    python_cpu_seconds: float
    ratio: float
    yaml_lines: int
    python_lines: int


def measure_discovery(scratch: Path, *, pairs: int) -> Discovered:
    """Write both locations below ``scratch`` and load them alternately, ``pairs`` times."""
    by_yaml, by_hand = _write_yaml(scratch), _write_python(scratch)
    loads = {"by_yaml": [], "by_hand": []}
    for _ in range(pairs + 1):
        for package, seconds in loads.items():
            program = f"from {package}.definitions import defs; defs.get_repository_def()"
            cost = measure(
                [sys.executable, "-c", program],
                environment={"PYTHONPATH": str(scratch)},
                directory=REPOSITORY_ROOT,
            )
            seconds.append(cost.cpu_seconds)
    # the first pair warms the file cache
    yaml, python = loads["by_yaml"][1:], loads["by_hand"][1:]
    return Discovered(
        yaml_cpu_seconds=statistics.median(yaml),
        python_cpu_seconds=statistics.median(python),
        ratio=statistics.median(a / b for a, b in zip(yaml, python, strict=True)),
        yaml_lines=by_yaml,
        python_lines=by_hand,
    )


def _write_yaml(scratch: Path) -> int:
    package = scratch / "by_yaml"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "assets.py").write_text("import dagster as dg\n" + _assets(""))
    (package / "definitions.py").write_text(
        "from shared_lib.discovery import build_definitions\ndefs = build_definitions(__file__)\n"
    )
    lines = [
        "asset_modules: [.assets]",
        "partitions:",
        '  days: {type: daily, start: "2026-01-01"}',
        "assets:",
        _EVERY_ASSET,
        *(f"  - {{match: asset_{group}??, group: group_{group}}}" for group in range(1, 10)),
        '  - {match: ["asset_?", "asset_??"], group: group_0}',
        "jobs:",
        *(
            f'  job_{number}: {{selection: "key:asset_{5 * number}+", tags: {{number: {number}}}}}'
            for number in range(JOBS)
        ),
    ]
    (package / "orchestration.yaml").write_text("\n".join(lines) + "\n")
    return len(lines)


def _write_python(scratch: Path) -> int:
    package = scratch / "by_hand"
    package.mkdir()
    (package / "__init__.py").touch()
    days = 'import dagster as dg\n\nDAYS = dg.DailyPartitionsDefinition("2026-01-01")\n'
    (package / "assets.py").write_text(days + _assets(_ATTRIBUTES))
    lines = [
        "import dagster as dg",
        "from by_hand import assets",
        "JOBS = [",
        *(
            f'    dg.define_asset_job("job_{number}", '
            f'selection=dg.AssetSelection.from_string("key:asset_{5 * number}+"), '
            f'tags={{"number": "{number}"}}),'
            for number in range(JOBS)
        ),
        "]",
        "defs = dg.Definitions(",
        "    assets=dg.with_source_code_references(dg.load_assets_from_modules([assets])),",
        "    jobs=JOBS, executor=dg.in_process_executor,",
        ")",
    ]
    (package / "definitions.py").write_text("\n".join(lines) + "\n")
    return len(lines)


def _assets(attributes: str) -> str:
    return "".join(
        _ASSET.format(
            number=number,
            attributes=attributes.format(group=number // 100),
            dependencies=f'deps=["asset_{number - _UPSTREAM}"]' if number >= _UPSTREAM else "",
        )
        for number in range(ASSETS)
    )
