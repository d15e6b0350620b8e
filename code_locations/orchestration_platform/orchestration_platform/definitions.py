"""The code location ``orchestration_platform``."""

import dagster as dg

from orchestration_platform.health.platform_health import platform_health

defs = dg.Definitions(
    assets=dg.with_source_code_references([platform_health]),
    executor=dg.in_process_executor,
)
