"""The dbt models of a preview: which differ, what follows from them, and how their rows differ."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from preview.dbt_project import Project
from preview.inputs import Inputs, copy_inputs
from preview.rows import Difference, compare_relation
from shared_lib.warehouse.connection import open_memory

# of a model whose rows are no person's and no account's: they may be in a pull request
SAMPLES_MARK = "preview"

_KEY_TESTS = frozenset({"one_row_for_each", "unique", "unique_combination_of_columns"})
_UNIQUE = frozenset({"primary_key", "unique"})
_PARTS = {
    "SQL or rows": ("checksum",),
    "columns or contract": ("columns", "contract", "constraints"),
    "configuration": ("config",),
}


@dataclass(frozen=True, kw_only=True)
class ModelChange:
    """A model or seed that differs, or that is made of one that does.

    Attributes:
        name: its name.
        location: the code location that builds it; empty if none selects it.
        what: how it differs itself.
        reasons: what of it differs, in words.
        difference: how its rows differ; None if one of the trees could not build it.
        failure: why there is no difference.
        may_show_rows: whether samples of it may leave this machine.
    """

    name: str
    location: str
    what: Literal["added", "removed", "changed", "downstream"]
    reasons: tuple[str, ...]
    difference: Difference | None
    failure: str
    may_show_rows: bool


@dataclass(frozen=True)
class Scope:
    """What a preview has to build.

    Attributes:
        base: the project of the base.
        new: that of the working tree.
        changed: the nodes that differ themselves, removed ones included.
        affected: these and what is made of them.
        location_of: the code location of each node that is an asset.
    """

    base: Project
    new: Project
    changed: frozenset[str]
    affected: frozenset[str]
    location_of: Mapping[str, str]

    @classmethod
    def of(
        cls, base: Project, new: Project, modified: Iterable[str], location_of: Mapping[str, str]
    ) -> "Scope":
        """Return the scope that follows from what dbt finds modified."""
        models = {one for one in modified if not one.startswith("source.")}
        gone = {
            unique_id
            for unique_id, node in base.manifest["nodes"].items()
            if base.node(unique_id) and unique_id not in new.manifest["nodes"] and node
        }
        changed = frozenset(models | gone)
        affected = frozenset(new.downstream(changed) | base.downstream(changed))
        return cls(base, new, changed, affected, location_of)

    def built(self, project: Project) -> set[str]:
        """Return what a tree has to build or read: what is affected, and all it is made of."""
        return project.upstream({one for one in self.affected if project.node(one)})

    def sources(self) -> dict[str, set[tuple[str, str]]]:
        """Return the tables that are read, by the location that reads them."""
        found: dict[str, set[tuple[str, str]]] = {}
        for project in (self.base, self.new):
            built = self.built(project)
            for unique_id in built:
                node = project.node(unique_id)
                if node is None or node["resource_type"] != "source":
                    continue
                readers = [one for one in project.manifest["child_map"][unique_id] if one in built]
                owners = {self.location_of[one] for one in readers if one in self.location_of}
                for owner in sorted(owners)[:1]:
                    found.setdefault(owner, set()).add((node["schema"], node["identifier"]))
        return dict(sorted(found.items()))


def compare_models(
    scope: Scope, *, work: Path, with_samples: bool, say: Callable[[str], None]
) -> tuple[list[ModelChange], Inputs]:
    """Build what differs under both trees, from the same tables, and compare the rows.

    Args:
        scope: what differs.
        work: a directory of the preview.
        with_samples: whether to show rows of every model, and not only of those that are marked.
        say: reports what is under way.

    Raises:
        PreviewError: tables cannot be copied, or dbt cannot begin.
    """
    # both read the same file: each is attached to it, so none can change it
    inputs = copy_inputs(scope.sources(), scope.base.warehouse, scratch=work, say=say)
    if not scope.base.warehouse.exists():  # nothing is read, such as of a seed alone
        open_memory().execute(f"attach '{scope.base.warehouse}' as made").close()
    scope.new.warehouse.write_bytes(scope.base.warehouse.read_bytes())
    failures: dict[str, str] = {}
    for side, project in (("base", scope.base), ("working tree", scope.new)):
        for location, nodes in _by_location(scope, project):
            say(f"building {location or 'models of no location'} as in the {side}")
            failed = project.build(nodes, inputs.arguments.get(location, []))
            failures |= {one: f"{side}: {text}" for one, text in failed.items()}
    say(f"comparing the rows of {len(scope.affected)} models")
    with open_memory() as connection:
        connection.execute(f"attach '{scope.base.warehouse}' as base (read_only)")
        connection.execute(f"attach '{scope.new.warehouse}' as new (read_only)")
        changes = [
            _change(scope, one, connection, failures, with_samples=with_samples)
            for one in scope.affected
        ]
    order = ("changed", "added", "removed", "downstream")
    return sorted(changes, key=lambda one: (order.index(one.what), one.name)), inputs


def _by_location(scope: Scope, project: Project) -> Iterator[tuple[str, list[str]]]:
    nodes: dict[str, list[str]] = {}
    for unique_id in sorted(scope.built(project)):
        if not unique_id.startswith("source."):
            nodes.setdefault(scope.location_of.get(unique_id, ""), []).append(unique_id)
    yield from nodes.items()


def _change(
    scope: Scope,
    unique_id: str,
    connection: Any,
    failures: Mapping[str, str],
    *,
    with_samples: bool,
) -> ModelChange:
    before, after = scope.base.node(unique_id), scope.new.node(unique_id)
    present = after or before
    assert present is not None  # noqa: S101 - it is affected in one of the trees
    # the base decides as well, so that no change makes rows of people public by itself
    may_show_rows = all(_is_marked(node) for node in (before, after) if node)
    difference, failure = None, failures.get(unique_id, "")
    if not failure and present["config"].get("materialized") != "ephemeral":
        difference = compare_relation(
            connection,
            None if before is None else _relation("base", before),
            None if after is None else _relation("new", after),
            keys=_keys(unique_id, scope.new if after else scope.base),
            with_samples=with_samples or may_show_rows,
        )
    what = "changed" if unique_id in scope.changed else "downstream"
    return ModelChange(
        name=present["name"],
        location=scope.location_of.get(unique_id, ""),
        what="added" if before is None else "removed" if after is None else what,
        reasons=tuple(_reasons(before, after)) if what == "changed" else (),
        difference=difference,
        failure=failure,
        may_show_rows=may_show_rows,
    )


def _is_marked(node: Mapping[str, Any]) -> bool:
    return node["config"].get("meta", {}).get(SAMPLES_MARK) is True


def _relation(database: str, node: Mapping[str, Any]) -> str:
    return f'{database}."{node["schema"]}"."{node["alias"]}"'


def _reasons(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[str]:
    if before is None or after is None:
        return
    found = [
        reason
        for reason, fields in _PARTS.items()
        if any(before.get(one) != after.get(one) for one in fields)
    ]
    yield from found or ["a macro that it uses"]


def _keys(unique_id: str, project: Project) -> list[list[str]]:
    """Return the sets of columns that identify a row, as configuration, contract and tests say."""
    node = project.manifest["nodes"][unique_id]
    keys = []
    if configured := node["config"].get("unique_key"):
        keys.append([configured] if isinstance(configured, str) else list(configured))
    keys += [
        list(constraint["columns"])
        for constraint in node.get("constraints", [])
        if constraint["type"] in _UNIQUE and constraint.get("columns")
    ]
    keys += [
        [column["name"]]
        for column in node.get("columns", {}).values()
        if _UNIQUE & {one["type"] for one in column.get("constraints", [])}
    ]
    tests = project.manifest["child_map"].get(unique_id, [])
    for test in (project.manifest["nodes"].get(one) for one in tests):
        metadata = (test or {}).get("test_metadata") or {}
        if test and metadata.get("name") in _KEY_TESTS and test.get("attached_node") == unique_id:
            arguments = metadata["kwargs"]
            columns = arguments.get("columns") or arguments.get("combination_of_columns")
            found = columns or arguments.get("column_name") or []
            keys.append([found] if isinstance(found, str) else list(found))
    return [key for key in keys if key]
