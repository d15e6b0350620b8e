"""A wrong file is refused with path, line, field, problem and remedy, all mistakes at once.

``wrong_files.txt`` holds the files, each followed by what it is answered with.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.discovery import load_location
from shared_lib.warehouse import Warehouse

HERE = Path(__file__).parent
MODULES = "asset_modules: [examples.assets]\n"
BROKEN = {
    "broken_syntax.py": "def (:\n",
    "broken_import.py": "import no_such_library\n",
    "broken_value.py": 'limit = int("x")\n',
}


def corpus() -> Iterator[tuple[str, list[str]]]:
    entries = re.split(r"^=== ", (HERE / "wrong_files.txt").read_text(), flags=re.MULTILINE)
    for entry in entries[1:]:
        text, answer = entry.split("\n---\n")
        kind, _, text = text.partition("\n")
        yield (MODULES if kind == "with assets" else "") + text + "\n", answer.splitlines()


CORPUS = list(corpus())


@pytest.fixture(scope="module", autouse=True)
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    directory = tmp_path_factory.mktemp("modules")
    for name, text in BROKEN.items():
        (directory / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        patch.syspath_prepend(str(directory))
        yield


def test_there_are_enough_of_them() -> None:
    assert len(CORPUS) >= 60


@pytest.mark.parametrize(("text", "answer"), CORPUS, ids=range(len(CORPUS)))
def test_a_wrong_file_is_refused_with_place_and_remedy(
    text: str, answer: list[str], tmp_path: Path
) -> None:
    # the dbt project is parsed for the locations that have models, and no other
    file = tmp_path / "simulation" / "orchestration.yaml"
    file.parent.mkdir()
    file.write_text(text)

    with pytest.raises(ConfigurationError) as refused:
        load_location(file, resources={"warehouse": Warehouse(location="none")})

    message = re.sub(
        r"failed at \S*/|Python: \S*/",
        lambda cut: cut.group().rsplit(" ", 1)[0] + " ",
        str(refused.value),
    )
    assert message.replace(f"{file}:", "").splitlines() == answer
