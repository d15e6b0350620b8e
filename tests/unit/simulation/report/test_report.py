"""The report as a file: complete, self-contained, and safe with whatever the data says."""

import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from tests.support.report_marts import (
    GROWTH,
    Movement,
    Scenario,
    add_findings,
    add_scenario,
    report_marts,
)

from simulation.report import write_report

HOSTILE = (
    """<script>alert("1")</script></style><img src=x onerror='alert(2)'>"""
    """ {{ 7 * 7 }} {% x %} & " ' | --> ]]>"""
)


class Page(HTMLParser):
    """What a browser would find in the page: elements, attributes, and the text between them."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        # a no-break space counts as any other
        return " ".join(" ".join(self.texts).split())

    @property
    def descriptions(self) -> list[str]:
        return [value for name, value in self.attributes if name == "aria-label" and value]


def written(tmp_path, scenario: Scenario | None = None, connection=None) -> str:
    scenario = scenario or Scenario()
    path = write_report(
        connection or report_marts(scenario),
        scenario_id=scenario.name,
        path=tmp_path / "report.html",
    )
    return path.read_text(encoding="utf-8")


def test_results_are_in_the_page(tmp_path):
    page = Page(written(tmp_path))

    assert "From 2025 to 2026 the workforce grows from 1,000 to 1,061 employees" in page.text
    for year in GROWTH:
        leavers = year.experienced + year.new_hire
        turnover = f"{leavers / ((year.start + year.end) / 2):.1%}".replace("%", " %")
        row = f"{year.year} {year.start:,} {year.hires} {year.experienced} 0 {year.new_hire} "
        row += turnover
        assert f"{row} {year.end:,} {year.end:,} +3.0" in page.text
    assert "random_seed: 42" in page.text
    assert "fingerprint-one" in page.text
    assert "Birth date invented 250 25.0 %" in page.text
    assert "Set aside for other reasons 7 0.69 %" in page.text
    assert "pay is missing annual_compensation 4 1,001; 1,002; 1,003" in page.text


def test_flows_of_each_year_are_marks_and_totals_are_titles(tmp_path):
    page = Page(written(tmp_path))

    minus = "\N{MINUS SIGN}"
    flows = [
        f"{year}, {name}: {value} employees"
        for year, values in (
            (2025, ("+200", f"{minus}120", "0", f"{minus}50")),
            (2026, ("+207", f"{minus}124", "0", f"{minus}52")),
        )
        for name, value in zip(
            ("hires", "experienced terminations", "reductions in force", "new-hire terminations"),
            values,
            strict=True,
        )
    ]
    assert [text for text in page.descriptions if text in flows] == flows
    assert "407 joined and 346 left" in page.text
    assert "2025: from 1,000 to 1,030" in page.text
    assert "2026: from 1,030 to 1,061" in page.text
    assert "2026: from 103.0 to 106.1" in page.text
    # no mark is as long as a headcount: the axis of the flows ends near the largest flow
    section = written(tmp_path).split("<h2>What moves headcount and payroll</h2>")[1]
    axes = re.findall(r"X-axis [^\"]*?values from (\S+) to (\d+)", section)
    assert len(set(axes[:2])) == 1
    assert int(axes[0][1]) < 400


def test_observed_terminations_are_beside_the_expected(tmp_path):
    descriptions = Page(written(tmp_path)).descriptions

    assert "<2: 48 of 400 left (12.0\xa0%); the hazards let expect 40.0 (10.0\xa0%)" in descriptions


def test_page_asks_for_nothing_from_elsewhere(tmp_path):
    text = written(tmp_path)
    page = Page(text)

    assert {name for name, _ in page.attributes}.isdisjoint({"src", "href", "srcset", "action"})
    assert "@import" not in text
    assert "url(" not in text
    assert set(re.findall(r"https?://[^\s\"'<>]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_hostile_text_stays_text(tmp_path):
    scenario = Scenario(
        name=HOSTILE,
        level_names=(f"Staff {HOSTILE}", f"Manager {HOSTILE}"),
        tenure_bands=(f"a{HOSTILE}", f"b{HOSTILE}", f"c{HOSTILE}"),
        age_band=f"age {HOSTILE}",
        census_name=f"census {HOSTILE}",
        reject_reason=f"reason {HOSTILE}",
        reject_field=f"field {HOSTILE}",
        reject_values=(None, f"<b>{HOSTILE[:30]}"),
        check_name=f"check {HOSTILE}",
        step_name=f"step {HOSTILE}",
        run_id=f"run {HOSTILE}",
        configuration={"key": HOSTILE},
        movements=(Movement(2025, 1000, 200, 120, 0, 50, 1030, f"print {HOSTILE}"),),
    )
    harmless = Page(written(tmp_path))
    hostile = Page(written(tmp_path, scenario))

    assert hostile.tags.count("script") == 1
    assert set(hostile.tags) == set(harmless.tags)
    assert {name for name, _ in hostile.attributes} == {name for name, _ in harmless.attributes}
    for name in ("Scenario", "census", "reason", "field", "step", "run", "Fingerprint print"):
        assert f"{name} {HOSTILE}" in hostile.text
    assert f"b{HOSTILE}: 24 of 200 left" in " ".join(hostile.descriptions)
    assert "<b><script>alert" in hostile.text


def test_one_year_has_one_panel_each(tmp_path):
    page = Page(written(tmp_path, Scenario(movements=GROWTH[:1])))

    assert "In 2025 the workforce grows" in page.text
    assert page.tags.count("h4") == 2


@pytest.mark.parametrize(
    ("movements", "warning"),
    [
        ((GROWTH[0], Movement(2027, 1030, 207, 124, 0, 52, 1061)), "do not join up"),
        ((GROWTH[0], Movement(2026, 1000, 200, 120, 0, 50, 1030)), "do not join up"),
        (
            (GROWTH[0], Movement(2026, 1030, 207, 124, 0, 52, 1061, "fingerprint-two")),
            "2025 from fingerprint-one; 2026 from fingerprint-two",
        ),
    ],
)
def test_years_that_do_not_belong_together_are_warned_of(tmp_path, movements, warning):
    page = Page(written(tmp_path, Scenario(movements=movements)))

    assert warning in page.text


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ("delete from raw.simulation_configurations", "No configuration is recorded"),
        ("delete from raw.census_data_validation", "which rows of the census were accepted"),
        (
            "update monitoring.mon_data_quality set status = 'fail' where simulation_year = 2026",
            "Quality checks failed: growth deviation (2026).",
        ),
        (
            "update monitoring.mon_pipeline_performance set status = 'fail'",
            "Slower than the configured limit: int_employee_years.",
        ),
    ],
)
def test_what_limits_the_results_is_shown_at_the_top(tmp_path, change, warning):
    connection = report_marts()
    assert 'class="warnings"' not in written(tmp_path, connection=connection)

    connection.execute(change)

    text = written(tmp_path, connection=connection)
    assert text.index('class="warnings"') < text.index("<main>")
    assert warning in Page(text).text


@pytest.mark.parametrize(
    ("check_name", "value", "limit", "sentence"),
    [
        (
            "outside_band_share", 0.612, 0.5,
            "61.2 % of the employees are paid outside the pay band of their level at the end of "
            "the worst year; more than 50 % in 2026.",
        ),
        (
            "payroll_change", 0.1834, 0.15,
            "Payroll changes by 18.3 % in the worst year; by more than 15 % in 2026.",
        ),
    ],
)  # fmt: skip
def test_a_failed_check_of_pay_is_explained_with_its_share(
    tmp_path, check_name, value, limit, sentence
):
    connection = report_marts()
    connection.execute(
        "insert into monitoring.mon_data_quality values "
        "('baseline', 2025, $name, 'validity', $limit - 0.1, $limit, 'pass'), "
        "('baseline', 2026, $name, 'validity', $value, $limit, 'fail')",
        {"name": check_name, "value": value, "limit": limit},
    )

    page = Page(written(tmp_path, connection=connection))

    assert f"Look into this first {sentence}" in page.text


def test_findings_of_the_census_are_on_the_first_screen_and_assumptions_with_the_census(tmp_path):
    connection = report_marts()
    add_findings(
        connection,
        Scenario(),
        ("assumed", False, "pay is taken as annual <b>"),
        ("left out", False, "7 rows set aside, a row of totals: row 9"),
        ("rejected", True, "4 rows rejected, pay is missing: row 1001"),
        ("plausibility", True, "250 people (25%) have no birth date: their ages are invented"),
    )

    text = written(tmp_path, connection=connection)

    head, body = (Page(part).text for part in text.split("<main>"))
    assert (
        "Look into this first Census: 4 rows rejected, pay is missing: row 1001. "
        "Census: 250 people (25%) have no birth date: their ages are invented. "
        "Left out of the census 7 rows set aside, a row of totals: row 9."
    ) in head
    assert "Pay is taken as annual <b>." in body
    assert "Pay is taken" not in head


def test_findings_of_another_scenario_are_not_shown(tmp_path):
    connection = report_marts()
    add_findings(connection, Scenario(name="freeze"), ("rejected", True, "not of this census"))

    assert "not of this census" not in written(tmp_path, connection=connection)


def test_what_is_invented_is_marked(tmp_path):
    connection = report_marts()

    assert "Birth date invented 250 25.0 %" in Page(written(tmp_path, connection=connection)).text

    connection.execute("update raw.census_data_validation set rows_without_birth_date = 0")
    assert "Birth date 0 0.0 %" in Page(written(tmp_path, connection=connection)).text


@pytest.mark.parametrize(("census_path", "is_warned_of"), [(None, True), ("census.csv", False)])
def test_a_generated_census_is_marked_as_invented(tmp_path, census_path, is_warned_of):
    page = Page(written(tmp_path, Scenario(configuration={"census": {"path": census_path}})))

    assert ("The people are invented: no census is configured" in page.text) == is_warned_of


def test_a_report_shows_that_a_run_has_no_records_of_its_speed(tmp_path):
    connection = report_marts()
    connection.execute("delete from monitoring.mon_pipeline_performance")

    assert "Nothing is recorded of this run yet." in written(tmp_path, connection=connection)


def test_a_year_in_which_everyone_left_can_be_reported(tmp_path):
    connection = report_marts(Scenario(movements=(Movement(2025, 2, 0, 1, 1, 0, 0),)))
    connection.execute("delete from marts.fct_level_mix")
    connection.execute(
        "update marts.fct_compensation_growth set end_average_compensation = null, "
        "average_compensation_growth = 'nan'::double, continuous_employee_growth = null"
    )

    page = Page(written(tmp_path, connection=connection))

    assert "shrinks from 2 to 0 employees" in page.text
    assert not re.search(r"\b(nan|inf|None)\b", page.text)


def test_twenty_years_are_drawn_without_labels_that_collide(tmp_path):
    movements = tuple(Movement(2025 + n, 1000, 160, 120, 0, 40, 1000) for n in range(20))
    page = Page(written(tmp_path, Scenario(movements=movements)))

    assert "From 2025 to 2044 the workforce stays at 1,000 employees" in page.text
    assert page.tags.count("h4") == 40


def test_an_older_report_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "made" / "for" / "report.html"
    connection = report_marts()
    write_report(connection, scenario_id="baseline", path=path)
    add_scenario(connection, Scenario(name="freeze", run_id="run-2"))

    assert write_report(connection, scenario_id="freeze", path=path) == path

    assert "Scenario <strong>freeze</strong>" in path.read_text(encoding="utf-8")
    assert [found.name for found in path.parent.iterdir()] == ["report.html"]


def test_a_failed_write_leaves_the_older_file_and_no_other(tmp_path):
    occupied = tmp_path / "report.html"
    occupied.mkdir()

    with pytest.raises(OSError, match=re.escape("report.html")):
        write_report(report_marts(), scenario_id="baseline", path=occupied)

    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]


def test_no_file_is_written_for_a_scenario_without_results(tmp_path):
    with pytest.raises(ValueError, match="'missing' has no results"):
        write_report(report_marts(), scenario_id="missing", path=tmp_path / "report.html")

    assert list(tmp_path.iterdir()) == []


def test_importing_the_package_loads_no_heavy_library():
    heavy = {"altair", "jinja2", "pandas", "vl_convert", "duckdb", "yaml"}
    loaded = subprocess.run(
        [sys.executable, "-c", "import simulation.report, sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()

    assert heavy.isdisjoint(loaded)
