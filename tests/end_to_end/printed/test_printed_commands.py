"""Each command that README and docs print is run, by this test or by one that is named."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.end_to_end.printed.elsewhere import missing
from tests.end_to_end.printed.example_files import write_example_files
from tests.end_to_end.printed.not_run_here import ALIKE, CANNOT, ELSEWHERE
from tests.end_to_end.printed.repository_copy import REPOSITORY, Copy, copied
from tests.end_to_end.printed.script import PYTHON, RUNS, Run
from tests.smoke.test_documented_blocks import (
    NOT_OURS,
    OTHER_TARGETS,
    commands,
    inline_commands,
    only_names,
    started_by_make,
)

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
    printed |= {words for words in inline_commands() if not only_names(words)}
    assert printed - set(listed) == set(), "run it, or name the test that does, or the reason"
    assert set(listed) - printed == set(), "no page prints it"


def test_the_test_that_is_named_for_a_command_starts_it_with_its_options(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("ops: {}\n")
    lacking = {}
    for command, test in ELSEWHERE.items():
        words = tuple(shlex.split(command))
        if words[:2] == (".venv/bin/python", "-m"):
            started = words[2:]
        elif words[0] == "make" and words[1] not in OTHER_TARGETS:
            started = started_by_make(words, tmp_path)
        else:
            started = (Path(words[0]).name, *words[1:])
        if words := missing(REPOSITORY / test, started):
            lacking[command] = words
    assert lacking == {}
    assert set(ALIKE.values()) <= {run.printed for run in RUNS} | ELSEWHERE.keys()


def test_a_test_without_the_command_or_an_option_is_found() -> None:
    mutes = REPOSITORY / ELSEWHERE[f"{PYTHON}orchestration_platform.alerts show 12"]
    assert missing(mutes, ["simulation.run"]) == {"simulation.run"}
    assert missing(mutes, ["orchestration_platform.alerts", "show", "--colour"]) == {"--colour"}
    assert missing(mutes, ["orchestration_platform.alerts", "explode"]) == {"explode"}


def test_what_installs_has_parsed_by_the_recipe_of_make_manifest() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    prepare = "\t@$(COMMAND) shared_lib.discovery.dbt prepare && touch "
    assert f"{prepare}$@\n" in makefile
    assert re.search(rf"^manifest: .*\n{re.escape(prepare)}\$\(MANIFEST\)$", makefile, re.MULTILINE)
    assert re.search(r"^setup: .*\$\(MANIFEST\)", makefile, re.MULTILINE)


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
