"""The code location ``gocardless``."""

import dagster as dg

from gocardless.api.reachability import api_reachability

defs = dg.Definitions(
    assets=dg.with_source_code_references([api_reachability]),
    executor=dg.in_process_executor,
)
