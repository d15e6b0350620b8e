"""Database accounts that the server makes in a real Postgres, and takes back."""

import os
import pwd
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import dagster as dg
import psycopg
import pytest
from tests.integration.secrets.conftest import Bao

from sandboxes.postgres import PASSWORD, connect, postgres_server, program
from sandboxes.waiting import wait_until
from shared_lib.secrets import (
    Secret,
    SecretForbiddenError,
    SecretNotFoundError,
    SecretsResource,
    redact,
)

PATH = "database/creds/simulation"


@dataclass(frozen=True)
class Database:
    """The Postgres server, and the engine that makes accounts in it."""

    bao: Bao
    port: int

    def makes_accounts_for(self, seconds: int, *, at_most: int) -> None:
        self.bao.root.secrets.database.create_role(
            "simulation",
            db_name="postgres",
            creation_statements=[
                "create role \"{{name}}\" login password '{{password}}' "
                "valid until '{{expiration}}'"
            ],
            default_ttl=f"{seconds}s",
            max_ttl=f"{at_most}s",
        )

    def accounts(self) -> set[str]:
        with closing(connect(self.port, "postgres", PASSWORD)) as connection:
            rows = connection.execute("select rolname from pg_roles where rolname like 'v-%'")
            return {name for (name,) in rows}

    def user_with(self, credentials: Secret) -> str:
        user, password = credentials["username"].reveal(), credentials["password"].reveal()
        with closing(connect(self.port, user, password)) as connection:
            row = connection.execute("select current_user").fetchone()
            assert row
            return row[0]


@pytest.fixture(scope="module")
def _postgres() -> Iterator[int]:
    missing = [name for name in ("initdb", "postgres") if program(name) is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} on this machine")
    if os.getuid() == 0 and "postgres" not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("running as root, and there is no account postgres to run Postgres with")
    with postgres_server() as port:
        yield port


@pytest.fixture
def database(_postgres: int, bao: Bao) -> Iterator[Database]:
    bao.root.sys.enable_secrets_engine("database")
    bao.root.secrets.database.configure(
        "postgres",
        plugin_name="postgresql-database-plugin",
        allowed_roles=["simulation"],
        connection_url=f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{_postgres}/postgres",
        username="postgres",
        password=PASSWORD,
    )
    yield Database(bao, _postgres)
    bao.root.sys.disable_secrets_engine("database")


@pytest.fixture
def short_tokens(bao: Bao) -> Iterator[Callable[[str], None]]:
    def set_life(duration: str) -> None:
        bao.root.auth.approle.create_or_update_approle(
            "simulation", token_policies=["simulation"], token_ttl=duration, token_max_ttl=duration
        )

    yield set_life
    set_life("1h")


def test_accounts_of_two_seconds_serve_a_run_that_outlives_several(
    database: Database, short_tokens: Callable[[str], None]
) -> None:
    # a token outlives neither a lease's renewals nor the run
    short_tokens("3s")
    database.makes_accounts_for(2, at_most=5)
    secrets = SecretsResource(location="simulation", cache_seconds=0)
    database.bao.write("simulation/steady", value="steady-value")
    users = set()
    lease = secrets.lease(PATH)

    def has_had_four_accounts() -> bool:
        users.add(database.user_with(lease.current()))
        assert secrets.get("simulation/steady")["value"].reveal() == "steady-value"
        return len(users) >= 4

    wait_until(has_had_four_accounts, seconds=60)
    assert database.accounts()
    secrets.close()
    wait_until(lambda: not database.accounts(), seconds=30, why_not=database.accounts)


def test_a_lease_is_renewed_as_long_as_the_server_allows(database: Database) -> None:
    database.makes_accounts_for(2, at_most=3600)
    with SecretsResource(location="simulation").lease(PATH) as lease:
        first = database.user_with(lease.current())
        time.sleep(3)
        assert database.user_with(lease.current()) == first


def test_an_account_ends_with_the_run_even_if_it_fails(database: Database) -> None:
    database.makes_accounts_for(3600, at_most=3600)
    seen = []

    @dg.asset
    def failing(secrets: SecretsResource) -> None:
        credentials = secrets.lease(PATH).current()
        seen.append(database.user_with(credentials))
        raise ValueError(f"refused {credentials['password'].reveal()}")

    result = dg.materialize(
        [failing],
        resources={"secrets": SecretsResource(location="simulation")},
        raise_on_error=False,
    )
    assert not result.success
    assert seen
    assert database.accounts() == set()
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "refused" in str(failure.step_failure_data.error)


def test_a_password_that_was_made_is_redacted_as_any_other(database: Database) -> None:
    database.makes_accounts_for(60, at_most=60)
    with SecretsResource(location="simulation").lease(PATH) as lease:
        credentials = lease.current()
        password = credentials["password"].reveal()
        assert redact(f"<{password}>") == f"<[secret {PATH} password]>"
    with pytest.raises(psycopg.OperationalError) as refused:
        database.user_with(credentials)
    assert password not in str(refused.value)


def test_a_secret_that_cannot_be_leased_is_explained(database: Database) -> None:
    with pytest.raises(SecretForbiddenError, match='path "database/creds/simulation" '):
        SecretsResource(location="gocardless").lease(PATH)
    with pytest.raises(SecretNotFoundError, match="`vault list database/roles`"):
        SecretsResource(location="simulation").lease(PATH)


def test_a_lease_from_variables_is_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_CREDS_SIMULATION__PASSWORD", "from-a-variable")
    with SecretsResource(location="simulation").lease(PATH) as lease:
        assert lease.current()["password"].reveal() == "from-a-variable"
