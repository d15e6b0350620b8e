"""What the code locations share. It imports none of them."""

import warnings

# Features that Dagster marks as beta and that the platform builds on knowingly. Each is named, so
# that any other one still warns, and a load without warnings stays something a test can ask for.
_BETA_FEATURES_IN_USE = (
    "Parameter `backfill_policy`",
    "Function `with_source_code_references`",
    "Class `LocalFileCodeReference`",
    "Class `CodeReferencesMetadataValue`",
)

for _feature in _BETA_FEATURES_IN_USE:
    warnings.filterwarnings("ignore", message=f"{_feature} .*is currently in beta")
