"""The two trees that a preview compares: the base, as git has it, and the working tree."""

import io
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from preview.errors import PreviewError


@dataclass(frozen=True, kw_only=True)
class Base:
    """What the working tree is compared with.

    Attributes:
        ref: the ref, as it was asked for.
        commit: where the working tree's branch left it; the ref itself if the two share nothing.
    """

    ref: str
    commit: str


def find_base(ref: str, repository: Path) -> Base:
    """Return the commit at which the working tree's branch left ``ref``.

    What others have added to ``ref`` since then is no change of the working tree.

    Raises:
        PreviewError: there is no such ref, or the directory is not in a git repository.
    """
    known = _git(["rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"], repository)
    if known.returncode:
        listed = _git(["for-each-ref", "--format=%(refname:short)"], repository)
        if listed.returncode:
            raise PreviewError(f"{repository} is not in a git repository: {listed.stderr.strip()}")
        near = get_close_matches(ref, listed.stdout.split(), n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise PreviewError(
            f"BASE={ref}: git knows no such branch, tag or commit{hint}; `git fetch` brings those "
            "of a server, as origin/<branch>"
        )
    left = _git(["merge-base", ref, "HEAD"], repository)
    commit = (left if not left.returncode else known).stdout.strip()
    return Base(ref=ref, commit=commit)


def changed_files(base: Base, repository: Path) -> list[str]:
    """Return the files that differ from the base, with those that git does not track yet."""
    listed = [
        _listed(["diff", "--name-only", "-z", base.commit], repository),
        _listed(["ls-files", "--others", "--exclude-standard", "-z"], repository),
    ]
    return sorted({name for names in listed for name in names})


def extract(base: Base, repository: Path, directory: Path) -> Path:
    """Write the files of the base into ``directory``; git itself keeps no trace of it."""
    archive = subprocess.run(  # noqa: S603 - our own arguments and a commit that git has resolved
        ["git", "archive", "--format=tar", base.commit],  # noqa: S607 - as the Makefile does
        cwd=repository,
        capture_output=True,
        check=True,
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(directory, filter="data")
    return directory


def _listed(arguments: Sequence[str], repository: Path) -> list[str]:
    found = _git(arguments, repository)
    if found.returncode:
        raise PreviewError(f"git {arguments[0]}: {found.stderr.strip()}")
    return [name for name in found.stdout.split("\0") if name]


def _git(arguments: Sequence[str], repository: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - no shell; a ref that begins with - is refused by git
        ["git", *arguments],  # noqa: S607 - as the Makefile does
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
