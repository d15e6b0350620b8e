"""What a process keeps is in ``Memory``, which has a life, and in no module."""

import ast
from collections.abc import Iterator
from pathlib import Path

from orchestration_platform import alerts

ROOT = Path(alerts.__file__).parent
CACHES = {"lru_cache", "cache"}
CONTAINERS = {"dict", "list", "set", "Counter", "defaultdict", "deque", "OrderedDict"}


def name_of(node: ast.expr | None) -> str:
    """Of what is called, or of a decorator."""
    inner = node.func if isinstance(node, ast.Call) else node
    return getattr(inner, "id", getattr(inner, "attr", ""))


def state_in(tree: ast.Module) -> Iterator[str]:
    """The names that keep something: variables, which are not constants, and cached functions."""
    for node in tree.body:
        match node:
            case ast.FunctionDef() if CACHES & {name_of(found) for found in node.decorator_list}:
                yield node.name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                is_container = isinstance(node.value, ast.Dict | ast.List | ast.Set)
                if name != name.upper() and (is_container or name_of(node.value) in CONTAINERS):
                    yield name
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield from node.names


def test_no_module_of_the_alerts_keeps_anything() -> None:
    kept = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in ROOT.rglob("*.py")
        for name in state_in(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert kept == set()


def test_module_level_state_is_recognised() -> None:
    text = "_kept: dict[str, int] = {}\n_seen = Counter()\nWORDS = {}\n@cache\ndef f(): ...\n"
    assert list(state_in(ast.parse(text))) == ["_kept", "_seen", "f"]
