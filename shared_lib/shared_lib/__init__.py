"""What the code locations share. It imports none of them."""

import warnings

# What Dagster marks as beta or preview and the platform builds on knowingly. Each is named, so
# that any other one still warns, and a load without warnings stays something a test can ask for.
_FEATURES_IN_USE = (
    "Parameter `backfill_policy`",
    "Function `with_source_code_references`",
    "Handling yaml-defined logging configuration",
    "Class `LocalFileCodeReference`",
    "Class `CodeReferencesMetadataValue`",
    "Function `load_definitions_from_modules`",
    "Parameter `include_sources`",
)

for _feature in _FEATURES_IN_USE:
    warnings.filterwarnings("ignore", message=f"{_feature} .*is currently in (beta|preview)")
