"""What differs between the alert policies of two trees."""

from pathlib import Path
from typing import Any

import yaml

from preview.definition_changes import Change, compare_named

_FILE = "code_locations/*/*/alerts/policies/alert_policies.yaml"


def compare_policies(base: Path, new: Path) -> list[Change]:
    """Return the policies that were added, removed or changed, each identified by its name."""
    before, after = _policies(base), _policies(new)
    return [
        change
        for location in sorted({*before, *after})
        for change in compare_named(
            "alert policies", location, before.get(location, {}), after.get(location, {})
        )
    ]


def _policies(tree: Path) -> dict[str, dict[str, Any]]:
    """Return the policies by the package of their location and their name, as written."""
    return {
        path.relative_to(tree).parts[1]: {
            policy.get("name", "without a name"): policy
            for policy in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get(
                "alert_policies"
            )
            or []
        }
        for path in tree.glob(_FILE)
    }
