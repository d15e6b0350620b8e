"""What one failed run has caused is one entry, in which each asset is found."""

from dataclasses import replace

from orchestration_platform.board.attention import Attention
from orchestration_platform.board.causes import by_cause
from orchestration_platform.board.health import Health

NOW = 1000.0
JOB = Attention(
    health=Health.DEGRADED, kind="Job", name="nightly", location="shop",
    text="its last run failed", since=900.0, run_id="a",
)  # fmt: skip


def unmade(name: str, run_id: str, health: Health = Health.DEGRADED) -> Attention:
    return Attention(
        health=health, kind="Asset", name=name, location="shop", text="its last run failed",
        owners=(f"{name}@acme.test",), run_id=run_id, failed_run_id=run_id, last_good_at=500.0,
    )  # fmt: skip


def test_forty_five_assets_of_a_failed_job_are_one_entry() -> None:
    assets = [unmade(f"model_{number:02}", "a") for number in range(45)]
    [entry] = by_cause([*assets, JOB], now=NOW)
    assert replace(entry, caused=()) == JOB
    assert list(entry.caused) == assets


def test_a_run_that_no_row_is_about_gets_one_if_it_failed_to_make_several() -> None:
    several, one = [unmade("x", "b"), unmade("y", "b")], unmade("z", "c")
    found = {entry.name: entry for entry in by_cause([JOB, *several, one], now=NOW)}
    assert found.keys() == {"nightly", "b", "z"}
    assert (found["b"].kind, found["b"].caused) == ("Run", tuple(several))
    assert found["b"].owners == ("x@acme.test", "y@acme.test")
    assert found["b"].last_good_at == 500.0
    assert found["nightly"].caused == found["z"].caused == ()


def test_an_entry_is_as_bad_as_the_worst_that_it_caused() -> None:
    warning = replace(JOB, health=Health.WARNING)
    other = Attention(health=Health.DEGRADED, kind="Asset", name="old", location="", text="stale")
    [first, second] = by_cause([warning, other, unmade("x", "a")], now=NOW)
    assert (first.name, first.health) == ("nightly", Health.DEGRADED)
    assert second == other


def test_of_two_rows_about_one_run_the_assets_are_beneath_the_first() -> None:
    incident = replace(JOB, kind="Code location", name="shop")
    found = by_cause([incident, JOB, unmade("x", "a")], now=NOW)
    assert [(entry.name, len(entry.caused)) for entry in found] == [("shop", 1), ("nightly", 0)]
