"""dbt's side of a preview: the project of a tree parsed, compared and built in a file of its own.

All of it happens in one process: loading dbt takes longer than each of these steps.
"""

import io
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from preview.errors import PreviewError

_QUIET = (
    "--quiet",
    "--no-use-colors",
    "--no-send-anonymous-usage-stats",
    *("--log-level-file", "none"),
)
SKIPPED = "skipped, because what it is made of was not built"
_BUILT = frozenset({"model", "seed", "snapshot"})


@dataclass(frozen=True)
class Project:
    """The dbt project of a tree, parsed.

    Attributes:
        directory: the project.
        work: the directory of the preview for this tree; the warehouse that is built is in it.
        parsed: dbt's own manifest, which spares it parsing again.
    """

    directory: Path
    work: Path
    parsed: Any

    @property
    def warehouse(self) -> Path:
        """The file in which the models are built; both trees' have one name, which dbt compares."""
        return _warehouse(self.work)

    @property
    def target(self) -> Path:
        """Where dbt writes; it has the manifest."""
        return self.work / "target"

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest as published in JSON."""
        return json.loads((self.target / "manifest.json").read_text(encoding="utf-8"))

    def node(self, unique_id: str) -> Mapping[str, Any] | None:
        """Return a model, seed, snapshot or source, if this tree has it."""
        found = self.manifest["nodes"].get(unique_id) or self.manifest["sources"].get(unique_id)
        return found if found and found["resource_type"] in {*_BUILT, "source"} else None

    def upstream(self, unique_ids: Collection[str]) -> set[str]:
        """Return the nodes with all that they are made of, sources included."""
        return self._reached(unique_ids, self.manifest["parent_map"])

    def downstream(self, unique_ids: Collection[str]) -> set[str]:
        """Return the nodes with all that is made of them."""
        return self._reached(unique_ids, self.manifest["child_map"])

    def _reached(self, unique_ids: Collection[str], edges: Mapping[str, Sequence[str]]) -> set[str]:
        found: set[str] = set()
        waiting = list(unique_ids)
        while waiting:
            unique_id = waiting.pop()
            if unique_id not in found and self.node(unique_id):
                found.add(unique_id)
                waiting += edges.get(unique_id, [])
        return found

    def build(self, unique_ids: Collection[str], arguments: Sequence[str] = ()) -> dict[str, str]:
        """Build models and seeds, without their tests.

        Args:
            unique_ids: what to build; sources among them are passed over.
            arguments: further options of dbt.

        Returns:
            What dbt reports of each node that it could not build.

        Raises:
            PreviewError: dbt could not begin.
        """
        names = [self._selector(one) for one in sorted(unique_ids) if not one.startswith("source.")]
        if not names:
            return {}
        outcome = _invoke(
            [
                *("build", "--resource-type", "model", "--resource-type", "seed"),
                *arguments,
                *("--select", *names),
            ],
            project=self.directory,
            work=self.work,
            manifest=self.parsed,
        )
        if not outcome.success and outcome.result is None:
            raise PreviewError(f"{self.directory}: dbt could not build: {outcome.exception}")
        return {
            result.node.unique_id: " ".join((result.message or SKIPPED).split())
            for result in outcome.result
            if result.status not in {"success", "pass"}
        }

    def _selector(self, unique_id: str) -> str:
        return "fqn:" + ".".join(self.manifest["nodes"][unique_id]["fqn"])


def parse(tree: Path, work: Path) -> Project:
    """Parse the dbt project of ``tree``.

    Raises:
        PreviewError: dbt cannot parse it; the message is dbt's.
    """
    directory = tree / "dbt_project"
    if not (directory / "dbt_project.yml").is_file():
        raise PreviewError(f"{tree} has no dbt_project/dbt_project.yml")
    (work / "target").mkdir(parents=True)
    outcome = _invoke(["parse", "--no-partial-parse"], project=directory, work=work)
    if not outcome.success:
        raise PreviewError(f"{directory}: dbt could not parse it: {outcome.exception}")
    return Project(directory, work, outcome.result)


def modified(new: Project, base: Project) -> set[str]:
    """Return what dbt finds added or changed, by its selector ``state:modified``.

    Raises:
        PreviewError: dbt cannot compare the two.
    """
    outcome = _invoke(
        [
            *("list", "--select", "state:modified", "--state", str(base.target)),
            # else every test of a modified model counts as modified
            *("--indirect-selection", "empty"),
            *("--output", "json", "--output-keys", "unique_id"),
        ],
        project=new.directory,
        work=new.work,
        manifest=new.parsed,
    )
    if not outcome.success:
        raise PreviewError(f"dbt could not compare the models: {outcome.exception}")
    return {json.loads(line)["unique_id"] for line in outcome.result or []}


def _warehouse(work: Path) -> Path:
    return work / "preview.duckdb"


def _invoke(arguments: Sequence[str], *, project: Path, work: Path, manifest: Any = None) -> Any:
    # imported here: `--help` and a wrong ref need no dbt, which takes 2 s
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    # `list` prints its result even when it is quiet
    with _environment(_warehouse(work)), redirect_stdout(io.StringIO()):
        try:
            outcome = dbtRunner(manifest=manifest).invoke(
                [
                    *_QUIET,
                    *arguments,
                    *("--project-dir", str(project)),
                    *("--profiles-dir", str(project)),
                    *("--target-path", str(work / "target")),
                    *("--log-path", str(work / "target")),
                ]
            )
        finally:
            DuckDBConnectionManager.close_all_connections()
    if outcome.exception is not None and not isinstance(outcome.exception, Exception):
        raise outcome.exception  # Ctrl-C, which dbt returns as a result
    return outcome


@contextmanager
def _environment(warehouse: Path) -> Iterator[None]:
    """Let the profile name ``warehouse``, and keep the working directory, which dbt changes."""
    directory, before = Path.cwd(), os.environ.get("DBT_DUCKDB_PATH")
    os.environ["DBT_DUCKDB_PATH"] = str(warehouse)
    try:
        yield
    finally:
        os.chdir(directory)
        if before is None:
            del os.environ["DBT_DUCKDB_PATH"]
        else:
            os.environ["DBT_DUCKDB_PATH"] = before
