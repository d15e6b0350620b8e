"""Which columns a census needs, and how the mapping for a file is found."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from simulation.census import CensusError, CensusMapping
from simulation.census.columns.mapping import fitting_mapping, require_columns
from simulation.census.columns.repeated_names import distinguished

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
    assert fitting_mapping(MAPPINGS, header, path=FILE) == "payroll"
    header = ["annual_compensation", "employee_id", "hire_date", "other"]
    assert fitting_mapping(MAPPINGS, header, path=FILE) == "standard"
    assert fitting_mapping(MAPPINGS, ["employee_id", "hire_date"], path=FILE) is None


def test_a_column_is_found_whatever_its_case_and_that_of_the_same_case_first():
    header = ["Employee_ID", " HIRE_DATE", "annual_salary ", "employee_id"]
    assert fitting_mapping(MAPPINGS, header, path=FILE) == "payroll"
    assert PAYROLL.fields_in(header) == {
        "employee_id": 3,
        "hire_date": 1,
        "annual_compensation": 2,
    }


def test_a_file_that_fits_two_mappings_asks_for_a_name():
    header = ["employee_id", "hire_date", "annual_salary", "annual_compensation"]
    with pytest.raises(CensusError, match="several census mappings, standard, payroll; name one"):
        fitting_mapping(MAPPINGS, header, path=FILE)


def test_a_required_column_that_is_absent_is_named_with_the_nearest_that_is_there():
    header = ["employee_id", "hire_date", "annual_sallary"]
    with pytest.raises(CensusError) as refused:
        require_columns(PAYROLL, header, name="payroll", path=FILE)
    text = str(refused.value)
    assert "export.csv" in text
    assert "no annual_salary, but annual_sallary" in text
    assert "has the columns employee_id, hire_date, annual_sallary" in text


def test_a_mapped_column_that_the_header_has_twice_is_refused():
    header = ["employee_id", "hire_date", "annual_salary", "agency", "agency"]
    positions = PAYROLL.fields_in(header)
    with pytest.raises(CensusError, match=r"'agency' \(column 4\) and 'agency' \(column 5\)"):
        distinguished(header, positions, mapping=PAYROLL, path=FILE)


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
    assert set(schema["properties"]) == set(CensusMapping.model_fields)
    assert all(setting["description"] for setting in schema["properties"].values())
