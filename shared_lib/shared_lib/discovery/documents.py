"""Generate the JSON Schema of ``orchestration.yaml`` and its reference page."""

from typing import Any

from shared_lib.configuration.documents import reference_page, schema_document
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.discovery.configuration import LocationConfiguration

SCHEMA_FILE = REPOSITORY_ROOT / "schemas" / "orchestration.schema.json"
PAGE = REPOSITORY_ROOT / "docs" / "orchestration.md"

_PLACEHOLDER = {"type": "string", "pattern": r"\$\{"}

_INTRODUCTION = """\
The `orchestration.yaml` of a code location's package defines what the location consists of;
`definitions.py` only reads it. `make docs` writes this page from the models that check the file.
`schemas/orchestration.schema.json` contains the same for editors.

- `.venv/bin/python -m shared_lib.discovery validate` checks the files of all locations and
  builds their definitions; `list` shows what they consist of; `explain KEY` shows an
  asset's attributes and the line that sets each.
- `examples/orchestration.yaml` uses one of each feature; `make dev EXAMPLES=1` shows its location
  beside the others, and tests run it.
- All mistakes of a file are reported at once, as `path:line: field: problem, allowed is ...`.
  One mistake fails the load of its location, and the UI shows the message; the others load.
  What may only follow from another mistake is not reported before that one is put right.
- Anchors and aliases may save lines; a file whose aliases stand for more than 10,000 values is
  refused.
- If several rules below `assets` match an asset and set the same attribute, the last one wins.
  An attribute that no rule sets keeps its value from the asset's code.
- `${NAME}`, `${NAME:default}` and `${NAME:?message}` in a value refer to environment
  variables. An unquoted value is read as YAML after the replacement, so `${ENABLED:true}` is a
  truth value; a quoted value stays text. A variable with an empty value counts as set.
  Unquoted `null` and `~` are refused: leave the key out for its default. `$${` is a plain `${`.
  Variables of secrets (`PATH__KEY`, `VAULT_*`) are not allowed: Dagster
  stores and shows what is in the file.
- `shared_lib/checks.py` builds the asset checks of the section `checks`; code can use it as
  well. A sensor of the type `freshness` evaluates freshness checks when an asset turns stale or
  fresh.
- `shared_lib.components.CodeLocation` does the same as a component, for Dagster's `dg` and
  `defs` folders, and most sections are components of their own
  ([components.md](components.md)). `.venv/bin/dg check defs` checks all locations;
  `.venv/bin/dg list defs --target-path code_locations/simulation` lists one."""


def schema_text() -> str:
    """Return the text of the schema file.

    Every value that is not a text may also be a placeholder, which is a text until it is replaced.
    """
    return schema_document(_open(LocationConfiguration.model_json_schema()))


def page() -> str:
    """Return the text of the reference page."""
    return reference_page(
        LocationConfiguration, title="orchestration.yaml", introduction=_INTRODUCTION
    )


def _open(node: Any) -> Any:
    if isinstance(node, list):
        return [_open(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    opened = {key: _open(value) for key, value in node.items()}
    kind = opened.get("type")  # or the schema of a field called type
    if (isinstance(kind, str) and kind in {"integer", "number", "boolean"}) or "enum" in opened:
        kept = {
            key: opened.pop(key) for key in ("description", "title", "default") if key in opened
        }
        return {**kept, "anyOf": [opened, _PLACEHOLDER]}
    return opened
