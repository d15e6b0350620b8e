"""`python -m preview`: what it prints, its exit status, and what it leaves behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.integration.preview.conftest import git

PREVIEW = (sys.executable, "-m", "preview")


def run(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PREVIEW, *arguments], cwd=repository, capture_output=True, text=True, check=False
    )


def test_an_unknown_base_is_refused_with_one_of_like_name(repository: Path) -> None:
    refused = run(repository, "--base", "mian")
    assert refused.returncode == 2
    assert (
        "BASE=mian: git knows no such branch, tag or commit, did you mean main?" in refused.stderr
    )
    assert run(repository, "--base", "--output=x").returncode == 2
    assert not (repository / "x").exists()


def test_outside_git_it_says_so(repository: Path) -> None:
    (repository / ".git").rename(repository / "elsewhere")
    refused = run(repository)
    assert refused.returncode == 2
    assert "is not in a git repository" in refused.stderr


def test_without_a_difference_nothing_is_built(repository: Path) -> None:
    same = run(repository, "--samples")
    assert same.returncode == 0
    assert same.stdout.startswith("Nothing differs\n")
    (repository / "notes.txt").write_text("not committed")
    notes = run(repository, "--directory", "shown")
    assert notes.stdout.startswith("1 file differs, no definition does")
    assert "no definition does" in (repository / "shown" / "preview.md").read_text()
    assert "notes.txt" in (repository / "shown" / "preview.html").read_text()


def test_what_the_base_got_since_the_branch_left_it_is_no_change(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "topic")
    git(repository, "checkout", "--quiet", "main")
    (repository / "workspace.yaml").write_text("load_from: []\n")
    git(repository, "commit", "--quiet", "--all", "--message", "Others' work")
    git(repository, "checkout", "--quiet", "topic")
    assert run(repository, "--base", "main").stdout.startswith("Nothing differs")


def test_ctrl_c_leaves_nothing_behind(repository: Path, tmp_path: Path) -> None:
    model = repository / "dbt_project/models/bank/marts/cash_flow_monthly.sql"
    model.write_text(f"{model.read_text()}\n-- changed\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with subprocess.Popen(
        PREVIEW,
        cwd=repository,
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "parsing the models" in line:
                break
        assert list(temporary.iterdir())
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130, said
    assert "nothing is left behind" in said
    assert list(temporary.iterdir()) == []
    assert not (repository / ".preview").exists()
    assert git(repository, "worktree", "list").count("\n") == 1
