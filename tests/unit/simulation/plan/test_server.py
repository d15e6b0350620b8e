"""What the page answers to its form, and to forms that are not its own."""

import asyncio
import dataclasses
import html
import json
import re
import shutil
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from simulation.config import CONFIGURATION_FILE, ScenarioSettings, load_scenario
from simulation.plan.assumptions import all_assumptions
from simulation.plan.figures import DepartmentFigures, Figures
from simulation.plan.server import Plan, PortRefusedError, listening
from simulation.seek.target import MEASURES
from simulation.state.runs import YearRefusedError
from simulation.stored.scenarios import StoredScenario

YEARS = range(2025, 2027)
ORIGIN = "http://127.0.0.1:3100"
CHANGES = {"simulation": {"end_year": 2026}, "census": {"path": "/data/census.csv"}}
SETTINGS = load_scenario("baseline", changes=CHANGES)
FIELDS = {name: text for each in all_assumptions() for name, text in each.entered(SETTINGS).items()}
SCENARIO = StoredScenario(
    scenario_id="baseline",
    fingerprint="f1",
    years=YEARS,
    settings=json.loads(SETTINGS.model_dump_json()),
    census_digest="10-abc",
    census_name="<b>census</b>.csv",
    rules_digest="r",
)


def figures_of(settings: ScenarioSettings) -> Figures:
    """Figures in which each merit budget has a headcount of its own."""
    budget = settings.compensation.merit_budget
    assert isinstance(budget, float)
    people = round(budget * 1000)
    return Figures(
        by_year={year: dict.fromkeys(MEASURES, float(people)) for year in YEARS},
        departments={
            year: {"R&D": DepartmentFigures(headcount=people, payroll=1.0)} for year in YEARS
        },
    )


class Pages:
    """A browser's view of the page, and which settings it made the server simulate."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "simulation_config.yaml"
        shutil.copy(CONFIGURATION_FILE, self.file)
        self.simulated: list[ScenarioSettings] = []
        self.error: Exception | None = None
        plan = Plan(
            SCENARIO,
            figures_of(SETTINGS),
            self._simulate,
            job_families=["Cooks <1>"],
            configuration=self.file,
            reports=folder / "reports",
            warning="the rules have changed",
        )
        self.client = TestClient(plan.app(), base_url=ORIGIN)

    def _simulate(self, settings: ScenarioSettings) -> Figures:
        self.simulated.append(settings)
        if self.error:
            raise self.error
        return figures_of(settings)

    def send(self, action: str = "simulate", **changes: str) -> str:
        """Send the form with changes, ``__`` for a dot; return the page's text."""
        changed = {name.replace("__", "."): text for name, text in changes.items()}
        answer = self.client.post("/", data={**FIELDS, "action": action, **changed})
        assert answer.status_code in {200, 422}
        assert (answer.status_code == 422) == ('aria-invalid="true"' in answer.text)
        return answer.text


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    return Pages(tmp_path)


def cells(page: str, measure: str) -> list[str]:
    """The cells of a measure by row: planned, stored and the difference."""
    (body,) = re.findall(rf'<tbody id="{measure}">(.*?)</tbody>', page, re.DOTALL)
    return re.findall(r"<data[^>]*>(.*?)</data>", body)


def test_the_page_has_an_input_for_each_assumption_and_the_stored_figures(pages: Pages) -> None:
    page = pages.client.get("/").text
    words = html.unescape(page)
    inputs = re.findall(r'<input id="([^"]+)" name="([^"]+)" value="([^"]*)"', page)
    assert {one: value for one, name, value in inputs if one == name and "." in one} == FIELDS
    for each in all_assumptions():
        assert f"{each.description} From {each.low:g} to {each.high:g}" in words
    assert cells(page, "headcount") == ["40", "40", "40", "40", "0", "0"]
    assert "the rules have changed" in page
    assert "<b>" not in page
    assert "&lt;b&gt;census" in page
    assert "R&amp;D" in page
    assert pages.simulated == []


def test_each_department_has_an_input_for_its_growth(pages: Pages) -> None:
    name = "simulation.growth_by_department.R&D"
    page = pages.client.get("/").text
    assert f'<input id="{quote(name)}" name="{html.escape(name)}" value=""' in page
    assert '<details class="assumption">\n      <summary>Growth by department' in page
    page = pages.send(**{name: "0.1"})
    assert '<details class="assumption" open>\n      <summary>Growth by department' in page
    (settings,) = pages.simulated
    assert settings.simulation.growth_by_department == {"R&D": 0.1}
    page = html.unescape(pages.send(**{name: "x"}))
    problem = re.findall(rf'id="problem-{quote(name)}" data-live>(.*?)</span>', page)
    assert problem
    assert problem[0].startswith("'x' is not allowed")


def test_units_have_inputs_by_kind_of_setting(pages: Pages) -> None:
    page = html.unescape(pages.client.get("/").text)
    kinds = ("Growth", "Leaving", "Hiring", "Cost of living", "Merit")
    for unit in ("department", "job family"):
        for kind in kinds:
            assert page.count(f"<summary>{kind} by {unit}</summary>") == 1
    assert page.count("<details") == page.count("</details>")
    merit = "compensation.merit_by_job_family.Cooks <1>"
    assert 'aria-label="Cooks <1>: merit by job family"' in page
    page = pages.send(**{merit: "0.01"})
    assert '<details class="assumption" open>\n      <summary>Merit by job family' in page
    (settings,) = pages.simulated
    assert settings.compensation.merit_by_job_family == {"Cooks <1>": 0.01}


def test_the_inputs_of_years_are_open_where_the_scenario_has_a_number_for_each(
    tmp_path: Path,
) -> None:
    rates = dict.fromkeys(YEARS, 0.01)
    settings = load_scenario(
        "baseline",
        changes={**CHANGES, "simulation": {"end_year": 2026, "target_growth_rate": rates}},
    )
    scenario = dataclasses.replace(SCENARIO, settings=json.loads(settings.model_dump_json()))
    plan = Plan(
        scenario, figures_of(settings), figures_of, configuration=tmp_path, reports=tmp_path
    )
    page = TestClient(plan.app(), base_url=ORIGIN).get("/").text
    growth, *others = page.split('<div class="assumption">')[1:]
    assert "baseline has a number for each year." in growth
    assert "<details open>" in growth
    assert 'name="simulation.target_growth_rate.2026" value="0.01"' in growth
    assert [each for each in others[:-1] if "<details open>" in each] == []


def test_a_changed_assumption_is_simulated_and_compared_with_the_stored_figures(
    pages: Pages,
) -> None:
    page = pages.send(compensation__merit_budget="0.05")
    assert cells(page, "headcount") == ["50", "50", "40", "40", "+10", "+10"]
    assert (
        "At the end of 2026: 10 more employees, USD\N{NO-BREAK SPACE}10 more payroll a year."
        in page
    )
    assert 'name="compensation.merit_budget" value="0.05"' in page
    expected = load_scenario(
        "baseline", changes={**CHANGES, "compensation": {"merit_budget": 0.05}}
    )
    assert pages.simulated == [expected]


def test_what_was_simulated_before_is_not_simulated_again(pages: Pages) -> None:
    pages.send(compensation__merit_budget="0.05")
    pages.send(compensation__merit_budget="0.050", action="save", name="plan_a")
    assert len(pages.simulated) == 1


def test_what_nobody_waits_for_any_more_is_not_simulated(pages: Pages) -> None:
    body = urlencode({**FIELDS, "compensation.merit_budget": "0.05"}).encode()
    sent = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return sent.pop() if sent else {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        pass

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
    }

    async def answer() -> None:
        await pages.client.app(scope, receive, send)

    asyncio.run(answer())
    assert pages.simulated == []


def test_what_the_models_refuse_is_beside_its_input_and_not_simulated(pages: Pages) -> None:
    page = pages.send(compensation__merit_budget="<5>", action="save", name="plan_a")
    (message,) = re.findall(r'id="problem-compensation.merit_budget" data-live>([^<]*)<', page)
    assert message.startswith("&#39;&lt;5&gt;&#39; is not allowed, allowed is a number from 0")
    assert 'value="&lt;5&gt;"' in page
    assert pages.simulated == []
    assert "plan_a" not in pages.file.read_text(encoding="utf-8")


def test_what_the_simulation_refuses_is_on_the_page(pages: Pages) -> None:
    pages.error = YearRefusedError("target_growth_rate leaves nobody of 1 employees")
    answer = pages.client.post("/", data=FIELDS)
    assert answer.status_code == 422
    assert "target_growth_rate leaves nobody of 1 employees" in answer.text
    assert "cannot be simulated" in answer.text


def test_a_scenario_is_saved_and_the_page_has_the_command_that_runs_it(pages: Pages) -> None:
    page = pages.send(compensation__merit_budget="0.05", action="save", name=" plan_a ")
    assert "make run SCENARIO=plan_a CENSUS=/data/census.csv</pre>" in page
    saved = load_scenario("plan_a", path=pages.file)
    assert saved.compensation.merit_budget == 0.05
    assert saved.simulation.years == YEARS


def test_a_scenario_that_exists_is_replaced_only_by_the_box_that_names_it(pages: Pages) -> None:
    pages.send(compensation__merit_budget="0.05", action="save", name="plan_a")
    again = {"compensation__merit_budget": "0.06", "action": "save"}
    page = pages.send(**again, name="plan_a")
    assert "there is a scenario plan_a already" in page
    assert 'name="replace" value="plan_a"' in page
    pages.send(**again, name="plan_a", replace="high_growth")
    assert load_scenario("plan_a", path=pages.file).compensation.merit_budget == 0.05
    page = pages.send(**again, name="plan_a", replace="plan_a")
    assert "make run SCENARIO=plan_a" in page
    assert load_scenario("plan_a", path=pages.file).compensation.merit_budget == 0.06


def test_a_name_that_is_not_allowed_is_refused_beside_its_input(pages: Pages) -> None:
    page = pages.send(action="save", name="Plan A")
    (message,) = re.findall(r'id="problem-name" data-live>([^<]*)<', page)
    assert "is not allowed as a key" in message


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
def test_other_sites_send_nothing(pages: Pages, headers: dict[str, str]) -> None:
    before = pages.file.read_text(encoding="utf-8")
    data = {**FIELDS, "action": "save", "name": "plan_a"}
    assert pages.client.post("/", data=data, headers=headers).status_code in {400, 403}
    assert pages.simulated == []
    assert pages.file.read_text(encoding="utf-8") == before


def test_the_page_runs_its_own_scripts_alone_and_reports_run_in_an_origin_of_their_own(
    pages: Pages, tmp_path: Path
) -> None:
    policy = pages.client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2]
    (tmp_path / "reports").mkdir()
    name = "baseline-f1-12345678.html"
    (tmp_path / "reports" / name).write_text("<title>Workforce simulation 2025</title>")
    assert f'href="/reports/{name}"' in pages.client.get("/").text
    assert "sandbox" in pages.client.get(f"/reports/{name}").headers["Content-Security-Policy"]


def test_a_port_that_is_taken_or_is_none_is_refused() -> None:
    with listening(0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        assert taken.getsockname()[0] == "127.0.0.1"
        for wanted in (port, 70000, -1):
            with pytest.raises(PortRefusedError, match=f"port {wanted} of 127.0.0.1"):
                listening(wanted)
