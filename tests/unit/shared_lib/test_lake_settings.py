"""Where the tables are: mistakes in the variables are reported before anything is opened."""

import pytest

from shared_lib.warehouse import WarehouseSettingError, read_location
from shared_lib.warehouse.lake.attachment import Lake
from shared_lib.warehouse.setting import backend_of
from shared_lib.warehouse.tables import KEYS

CATALOG = "postgresql://dagster@postgres:5432/lake"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"WAREHOUSE": "lakes"}, "WAREHOUSE: 'lakes' is not a warehouse, allowed is one of: file"),
        ({"WAREHOUSE": ""}, "WAREHOUSE: '' is not a warehouse"),
        ({"WAREHOUSE": "lake"}, "WAREHOUSE_CATALOG and WAREHOUSE_DATA must be set"),
        ({"WAREHOUSE": "lake", "WAREHOUSE_CATALOG": CATALOG}, "so WAREHOUSE_DATA must be set"),
    ],
)
def test_what_is_missing_or_unknown_is_named(
    variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WarehouseSettingError, match=message), read_location("simulation"):
        pytest.fail("it was opened")


def test_locations_are_in_the_lake_if_their_code_is_made_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAREHOUSE", "lake")
    found = [backend_of(name) for name in ("simulation", "gocardless", "shop")]
    assert found == ["lake", "lake", "file"]


@pytest.mark.parametrize("catalog", ["mysql://dagster@db/lake", "postgres:5432/lake", "/srv/lake",
                                     "postgresql://dagster@postgres:5432"])  # fmt: skip
def test_the_catalog_is_a_postgres_database(catalog: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_CATALOG", catalog)
    monkeypatch.setenv("WAREHOUSE_DATA", "/srv/lake")
    with pytest.raises(WarehouseSettingError, match="is not the address of a Postgres database"):
        Lake.from_environment()


def test_a_password_in_the_address_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAREHOUSE_CATALOG", "postgresql://dagster:hunter2@postgres/lake")
    monkeypatch.setenv("WAREHOUSE_DATA", "/srv/lake")
    with pytest.raises(WarehouseSettingError, match="contains a password") as raised:
        Lake.from_environment()
    assert "hunter2" not in str(raised.value)


STORE = {"WAREHOUSE_CATALOG": CATALOG, "WAREHOUSE_DATA_SECRET": "lake/store"}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"WAREHOUSE_DATA": "gs://lake"}, "WAREHOUSE_DATA: 'gs://lake' .*or s3://bucket/prefix"),
        ({"WAREHOUSE_DATA": "s3:///lake"}, "WAREHOUSE_DATA: 's3:///lake' is not a place for files"),
        (
            {"WAREHOUSE_DATA": "s3://lake/platform", "WAREHOUSE_DATA_SECRET": ""},
            "s3://lake/platform, so WAREHOUSE_DATA_SECRET must be set: .* `access_key_id` and",
        ),
        *(
            (
                {"WAREHOUSE_DATA": "s3://lake", "WAREHOUSE_DATA_ENDPOINT": endpoint},
                "WAREHOUSE_DATA_ENDPOINT is not the address of an object store",
            )
            for endpoint in ("minio:9000", "https://me:hunter2@minio", "http://minio/lake", "http:")
        ),
    ],
)
def test_the_object_store_is_checked_before_it_is_reached(
    variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**STORE, **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WarehouseSettingError, match=message) as raised:
        Lake.from_environment()
    assert "hunter2" not in str(raised.value)


def test_a_bucket_of_aws_and_one_elsewhere_are_addressed_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = {"access_key_id": "id", "secret_access_key": "key"}
    for name, value in {**STORE, "WAREHOUSE_DATA": "s3://lake/", "AWS_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    lake = Lake.from_environment()
    assert lake.store is not None
    assert lake.data == "s3://lake"
    assert lake.store.options(keys) == {"key_id": "id", "secret": "key", "region": "eu-west-1"}
    monkeypatch.setenv("WAREHOUSE_DATA_ENDPOINT", "https://minio.example.com:9000/")
    elsewhere = Lake.from_environment().store
    assert elsewhere is not None
    assert elsewhere.options(keys).items() >= {
        "endpoint": "minio.example.com:9000", "url_style": "path", "use_ssl": "true"
    }.items()  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "without"),
    [
        ("(id integer primary key, name varchar)", "(id integer, name varchar)"),
        ("(id integer,\n    primary key (id, name)\n)", "(id integer\n)"),
        ("(id integer,  -- key\n    name text)", "(id integer,  -- key\n    name text)"),
        ("(a integer default 3,\n    -- why\n    primary key (a)\n)", "(a integer default 3\n)"),
    ],
)  # fmt: skip
def test_the_lake_gets_no_keys(statement: str, without: str) -> None:
    assert KEYS.sub("", statement) == without
