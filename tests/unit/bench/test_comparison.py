"""``make bench AGAINST=file`` fails where CPU or memory grew by more than a fifth."""

import json
from pathlib import Path

import bench.__main__ as command
import pytest
from bench.shared_lib.loading import Loading


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("ONLY", "AGAINST"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setattr(command, "BASELINE", tmp_path / "baseline.json")
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    command.BASELINE.write_text('{"ratios": {"loading shop: CPU, load to imports": 1.25}}')
    return command.RESULTS


def measure(
    monkeypatch: pytest.MonkeyPatch, *arguments: str, cpu: float = 2.0, memory: float = 100.0
) -> int:
    """Run the bench where loading a location costs this much."""
    loading = Loading(
        location="shop",
        load_cpu_seconds=cpu,
        libraries_cpu_seconds=1.0,
        ratio=cpu,
        load_peak_bytes=memory,
        libraries_peak_bytes=80.0,
    )
    monkeypatch.setitem(command._PARTS, "loading", lambda _: [loading])
    return command.main(["--parts", "loading", *arguments])


@pytest.mark.parametrize(
    ("cpu", "memory", "status"), [(2.3, 119, 0), (0.5, 20, 0), (2.5, 100, 1), (2.0, 121, 1)]
)
def test_growth_by_more_than_a_fifth_fails(
    results: Path, monkeypatch: pytest.MonkeyPatch, cpu: float, memory: float, status: int
) -> None:
    assert measure(monkeypatch) == 0
    before = results.rename(results.with_name("before.json"))

    assert measure(monkeypatch, "--against", str(before), cpu=cpu, memory=memory) == status


def test_the_table_has_the_figure_before_now_and_the_ratio(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measure(monkeypatch)
    capsys.readouterr()

    # the results of before may be in the very file that is written
    monkeypatch.setenv("AGAINST", str(results))
    assert measure(monkeypatch, cpu=2.5) == 1

    lines = [line.split("│")[1:-1] for line in capsys.readouterr().out.splitlines() if "│" in line]
    rows = [[cell.strip() for cell in line] for line in lines]
    assert ["loading shop: load cpu seconds", "2.00", "2.50", "1.25", "worse"] in rows
    assert ["loading shop: load peak bytes", "100.00", "100.00", "1.00", ""] in rows
    # of the baseline
    assert ["loading shop: CPU, load to imports", "1.25", "2.50", "2.00", "worse"] in rows


def test_the_baseline_has_ratios_alone_and_keeps_those_that_were_not_measured(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command.BASELINE.write_text('{"ratios": {"of another part": 3.0}}')
    assert measure(monkeypatch, "--write-baseline") == 0

    assert json.loads(command.BASELINE.read_text()) == {
        "ratios": {
            "of another part": 3.0,
            "loading shop: CPU, load to imports": 2.0,
            "loading shop: memory, load to imports": 1.25,
        }
    }


@pytest.mark.parametrize("content", [None, "{", "[]", '{"loading": []}', '{"ratios": {"x": 1.0}}'])
def test_what_cannot_be_compared_with_is_an_error(
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
) -> None:
    before = results.with_name("before.json")
    if content is not None:
        before.write_text(content)
    with pytest.raises(SystemExit) as ended:
        measure(monkeypatch, "--against", str(before))
    assert ended.value.code == 2
    assert str(before) in capsys.readouterr().err
