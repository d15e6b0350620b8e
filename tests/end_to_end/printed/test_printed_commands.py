"""Each command that README and docs print is run, by this test or by one that is named."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.end_to_end.printed.example_files import write_example_files
from tests.end_to_end.printed.repository_copy import REPOSITORY, Copy, copied
from tests.end_to_end.printed.script import ALIKE, CANNOT, ELSEWHERE, RUNS, Run
from tests.smoke.test_documented_blocks import NOT_OURS, commands

TUTORIAL = REPOSITORY / "docs/tutorial.md"
PREVIEW = "make alert-preview RUN=49e25c56"
RUN_THE_JOB = (
    ".venv/bin/python -c 'import dagster as dg; import marketing.definitions as m; "
    'job = m.defs.resolve_job_def("marketing_job"); '
    "result = job.execute_in_process(instance=dg.DagsterInstance.get(), raise_on_error=False); "
    'print("run", result.run_id)\''
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    with copied(tmp_path_factory.mktemp("printed")) as made:
        write_example_files(made.folder)
        yield made


def test_each_printed_command_is_in_one_list() -> None:
    lists = [[run.printed for run in RUNS], [*ELSEWHERE], [*ALIKE], [*CANNOT]]
    listed = [tuple(shlex.split(command)) for part in lists for command in part]
    assert len(listed) == len(set(listed))
    printed = {words for words in commands() if words[0] not in NOT_OURS or words[0] == "rm"}
    assert printed - set(listed) == set(), "run it, or name the test that does, or the reason"
    assert set(listed) - printed == set(), "no page prints it"


def test_what_runs_a_command_elsewhere_is_there() -> None:
    for command, test in ELSEWHERE.items():
        assert (REPOSITORY / test).is_file(), command
    assert set(ALIKE.values()) <= {run.printed for run in RUNS}


def test_each_command_does_what_its_page_promises(copy: Copy) -> None:
    wrong = {}
    for run in RUNS:
        one = of_the_failed_run(copy, run) if run.printed == PREVIEW else run
        ended = copy.serve(one.command, until=one.until) if one.until else copy.run(one.command)
        # make reports the signal that ends a server
        if (ended.status and not one.until) or (one.shows or one.until) not in ended.printed:
            wrong[one.command] = f"{ended.status}: {ended.printed[-2000:]}"
    assert wrong == {}


def of_the_failed_run(copy: Copy, run: Run) -> Run:
    """Let the asset of the tutorial fail, as on its page, and return the command about that run."""
    code = re.search(r"```python\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL)
    assert code
    assets: Path = copy.folder / "code_locations/marketing/marketing/assets.py"
    assets.write_text(code[1], encoding="utf-8")
    ended = copy.run(f"DAGSTER_HOME=$PWD/.dagster_home {RUN_THE_JOB}")
    found = re.search(r"^run (\S{8})", ended.printed, re.MULTILINE)
    assert found, ended.printed
    return replace(run, instead={"49e25c56": found[1]})
