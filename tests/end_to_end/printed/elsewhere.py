"""Whether a test runs a command: it has the module, and the command's words in one function."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.end_to_end.printed.repository_copy import REPOSITORY

# a program and the module that a test may run instead
_PROGRAMS = {"dg": "dagster_dg_cli.cli"}


def missing(test: Path, started: Sequence[str]) -> set[str]:
    """Return what of a command a test lacks, with what it imports of other tests.

    Args:
        test: the test's file.
        started: the module or program that the command starts, then its arguments.

    Returns:
        The module, if nothing names it; else what of the subcommand and the options is in no
        function together with the subcommand.
    """
    module, *arguments = started
    trees = list(_trees(test, seen=set()))
    named = {name for tree in trees for name in _names(tree)}
    if not {module, _PROGRAMS.get(module, module)} & named:
        return {module}
    # values are the reader's
    options = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    subcommand = {word for word in arguments[:1] if word.isalpha()}
    together = [words for tree in trees for words in _together(tree) if subcommand <= words]
    return (options - set().union(*together)) if together else subcommand


def _trees(path: Path, *, seen: set[Path]) -> Iterator[ast.Module]:
    """Yield the file, the modules of the tests that it imports, and its fixtures."""
    if path in seen or not path.is_file():
        return
    seen.add(path)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield tree
    for name in _names(tree):
        if name.startswith("tests."):
            yield from _trees(REPOSITORY / f"{name.replace('.', '/')}.py", seen=seen)
    for folder in path.parents[: len(path.relative_to(REPOSITORY).parts) - 1]:
        yield from _trees(folder / "conftest.py", seen=seen)


def _names(tree: ast.Module) -> set[str]:
    """Return the modules that a file imports, and its texts, which may start one."""
    found = {word for text in _texts(tree) for word in (text, *text.split())}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found | {name.removesuffix(".__main__") for name in found}


def _together(tree: ast.Module) -> Iterator[set[str]]:
    """Yield the words of each statement of a file, with those of the constants that it names."""
    constants = {
        target.id: _words(statement, {})
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    for statement in tree.body:
        yield _words(statement, constants)


def _words(statement: ast.stmt, constants: Mapping[str, set[str]]) -> set[str]:
    words = {word.partition("=")[0] for text in _texts(statement) for word in (text, *text.split())}
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            words |= constants.get(node.id, set())
    return words


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
