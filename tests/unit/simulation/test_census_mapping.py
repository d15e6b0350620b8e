"""Which columns a census needs, and how the mapping for a file is found."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from simulation.census import CensusError, CensusMapping, choose_mapping

REQUIRED = {"employee_id": "id", "hire_date": "hired", "annual_compensation": "pay"}
FILE = Path("export.csv")

STANDARD = CensusMapping(
    columns={
        "employee_id": "employee_id",
        "hire_date": "hire_date",
        "annual_compensation": "annual_compensation",
        "birth_date": "birth_date",
    }
)
PAYROLL = CensusMapping(
    columns={
        "employee_id": "employee_id",
        "hire_date": "hire_date",
        "annual_compensation": "annual_salary",
        "department": "agency",
    }
)
MAPPINGS = {"standard": STANDARD, "payroll": PAYROLL}


def test_the_only_mapping_whose_required_columns_are_there_is_chosen():
    header = ["employee_id", "hire_date", "annual_salary"]
    assert choose_mapping(MAPPINGS, header, path=FILE) == "payroll"
    header = ["annual_compensation", "employee_id", "hire_date", "other"]
    assert choose_mapping(MAPPINGS, header, path=FILE) == "standard"


def test_a_file_that_fits_no_mapping_is_described_with_what_each_needs():
    with pytest.raises(CensusError) as refused:
        choose_mapping(MAPPINGS, ["employee_id", "hire_dt", "annual_salary"], path=FILE)
    text = str(refused.value)
    assert "export.csv" in text
    assert "employee_id, hire_dt, annual_salary" in text
    assert "standard needs employee_id, hire_date, annual_compensation" in text
    assert "payroll needs employee_id, hire_date, annual_salary (no hire_date, but hire_dt)" in text


def test_a_file_that_fits_two_mappings_asks_for_a_name():
    header = ["employee_id", "hire_date", "annual_salary", "annual_compensation"]
    with pytest.raises(CensusError, match="several census mappings, standard, payroll; name one"):
        choose_mapping(MAPPINGS, header, path=FILE)
    assert choose_mapping(MAPPINGS, header, "payroll", path=FILE) == "payroll"


def test_a_named_mapping_has_to_exist():
    with pytest.raises(CensusError, match=r"export\.csv: .*'payrol'; there are standard, payroll"):
        choose_mapping(MAPPINGS, ["employee_id"], "payrol", path=FILE)


def test_a_required_column_that_is_absent_is_named_with_the_nearest_that_is_there():
    with pytest.raises(CensusError) as refused:
        choose_mapping(
            MAPPINGS, ["employee_id", "hire_date", "annual_sallary"], "payroll", path=FILE
        )
    text = str(refused.value)
    assert "export.csv" in text
    assert "no annual_salary, but annual_sallary" in text
    assert "has the columns employee_id, hire_date, annual_sallary" in text


@pytest.mark.parametrize("name", [None, "payroll"])
def test_a_mapped_column_that_the_header_has_twice_is_refused(name: str | None):
    header = ["employee_id", "hire_date", "annual_salary", "agency", "agency"]
    with pytest.raises(CensusError, match="agency more than once"):
        choose_mapping(MAPPINGS, header, name, path=FILE)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"columns": {"employee_id": "id", "hire_date": "hired"}}, "annual_compensation"),
        ({"columns": {**REQUIRED, "hired": "x"}}, "columns.hired"),
        ({"columns": {**REQUIRED, "level": ""}}, "at least 1 character"),
        ({"columns": {**REQUIRED, "level": "pay"}}, "more than one census column: pay"),
        ({"columns": REQUIRED, "date_format": "%d.%m"}, "year, month and day"),
        ({"columns": REQUIRED, "date_format": "DD.MM.YYYY"}, "year, month and day"),
        ({"columns": REQUIRED, "date_format": "%Y-%m-%Q"}, "not a date format"),
        ({"columns": REQUIRED, "encoding": "utf-9"}, "'utf-9'"),
        ({"columns": REQUIRED, "encoding": "hex"}, "'hex'"),
        ({"columns": REQUIRED, "delimiter": ";;"}, "one ASCII character"),
        ({"columns": REQUIRED, "delimiter": ""}, "one ASCII character"),
        ({"columns": REQUIRED, "delimiter": '"'}, "one ASCII character"),
        ({"columns": REQUIRED, "separator": ";"}, "separator"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_with_the_reason(settings: dict, complaint: str):
    with pytest.raises(ValidationError) as refused:
        CensusMapping.model_validate(settings)
    assert complaint in str(refused.value)


@pytest.mark.parametrize("date_format", ["%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%d-%b-%y"])
def test_formats_with_a_whole_date_are_taken(date_format: str):
    mapping = CensusMapping.model_validate({"columns": REQUIRED, "date_format": date_format})
    assert mapping.date_format == date_format


def test_every_setting_is_described_in_the_json_schema():
    schema = CensusMapping.model_json_schema()
    assert set(schema["properties"]) == {"columns", "date_format", "encoding", "delimiter"}
    assert all(setting["description"] for setting in schema["properties"].values())
