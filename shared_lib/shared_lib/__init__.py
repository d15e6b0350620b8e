"""Code that the code locations share. It imports none of them."""

import warnings

# The beta and preview features of Dagster that the platform uses deliberately. Each is named, so
# that any other still warns and a test can require a load without warnings.
_FEATURES_IN_USE = (
    "Parameter `backfill_policy`",
    "Function `with_source_code_references`",
    "Handling yaml-defined logging configuration",
    "Class `LocalFileCodeReference`",
    "Class `CodeReferencesMetadataValue`",
    "Function `load_definitions_from_modules`",
    "Function `multi_observable_source_asset`",
    "Parameter `include_sources`",
)

for _feature in _FEATURES_IN_USE:
    warnings.filterwarnings("ignore", message=f"{_feature} .*is currently in (beta|preview)")
