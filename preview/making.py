"""Make a preview: what differs between a base and the working tree, definitions and rows."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from preview import dbt_project, definition_changes
from preview.dbt_project import Project
from preview.definition_changes import Change, Loading
from preview.inputs import Inputs
from preview.models import ModelChange, Scope, compare_models
from preview.policy_changes import compare_policies
from preview.trees import Base, changed_files, extract, find_base
from shared_lib.private_files import keep_files_private

# the two trees, and what definitions follow from
_MODELS = "dbt_project/"
_BASE, _NEW = "base", "working_tree"
_DEFINING = ("code_locations/", "shared_lib/", "workspace.yaml", _MODELS)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What differs.

    Attributes:
        base: what the working tree is compared with.
        files: the files that differ.
        definitions: assets, checks, jobs, schedules, sensors and alert policies that differ.
        unloadable: why a location could not be loaded, by location and tree.
        tests: names of dbt tests that differ.
        models: the dbt models and seeds that differ, or that are made of such ones.
        inputs: what these were built from.
        seconds: how long it took.
    """

    base: Base
    files: Sequence[str]
    definitions: Sequence[Change] = ()
    unloadable: dict[str, str] = field(default_factory=dict)
    tests: Sequence[str] = ()
    models: Sequence[ModelChange] = ()
    inputs: Inputs = field(default_factory=Inputs)
    seconds: float = 0.0

    @property
    def has_failed(self) -> bool:
        """Whether a location of the working tree does not load, or a model of it is not built."""
        trees = [name for name in self.unloadable if name.endswith("(working tree)")]
        return bool(trees) or any(one.failure.startswith("working tree") for one in self.models)


def make_preview(
    repository: Path, ref: str, *, with_samples: bool, say: Callable[[str], None]
) -> Preview:
    """Compare the working tree of ``repository`` with ``ref``.

    Nothing is written but a temporary directory, which is removed at the end, whatever happens.

    Args:
        repository: the working tree, with what is not committed.
        ref: a branch, tag or commit.
        with_samples: whether to show rows of every model, and not only of those that are marked.
        say: reports what is under way.

    Raises:
        PreviewError: it cannot be made; the message says why.
    """
    started = time.monotonic()
    base = find_base(ref, repository)
    files = changed_files(base, repository)
    if not any(name.startswith(_DEFINING) for name in files):
        return Preview(base=base, files=files, seconds=time.monotonic() - started)
    keep_files_private()
    with tempfile.TemporaryDirectory(prefix="preview-") as folder, ExitStack() as stack:
        work = Path(folder)
        tree = extract(base, repository, work / "base")
        say(f"comparing with {ref} at {base.commit[:10]}: {len(files)} files differ")
        loading = Loading(work)  # it goes on beside the rest
        stack.callback(loading.stop)
        say("parsing the models of the working tree")
        new = dbt_project.parse(repository, work / "new_dbt")
        loading.begin(repository, new, name=_NEW)
        has_models = any(name.startswith(_MODELS) for name in files)
        if has_models:
            say("parsing the models of the base")
        old = dbt_project.parse(tree, work / "base_dbt") if has_models else new
        loading.begin(tree, old, name=_BASE)
        modified = dbt_project.modified(new, old) if has_models else set()
        say("loading the definitions of both trees")
        loaded = loading.results()
        before, after = loaded[_BASE], loaded[_NEW]
        location_of = {
            **definition_changes.locations_of(before),
            **definition_changes.locations_of(after),
        }
        scope = Scope.of(old, new, _nodes(modified, new), location_of)
        models, inputs = (
            compare_models(scope, work=work, with_samples=with_samples, say=say)
            if scope.affected
            else ([], Inputs())
        )
        return Preview(
            base=base,
            files=files,
            definitions=[
                *definition_changes.compare(before, after),
                *compare_policies(tree, repository),
            ],
            unloadable=definition_changes.unloadable(before, after),
            tests=sorted(
                one.split(".")[2] for one in modified if one.startswith(("test.", "unit_test."))
            ),
            models=models,
            inputs=inputs,
            seconds=time.monotonic() - started,
        )


def _nodes(modified: Iterable[str], project: Project) -> Iterator[str]:
    return (unique_id for unique_id in modified if project.node(unique_id))
