"""Reading key/value secrets from a real server: values, versions, refusals, and their cost."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dagster as dg
import pytest
from tests.integration.secrets.conftest import Bao
from tests.integration.secrets.fault_proxy import FaultProxy

from sandboxes.waiting import wait_until
from shared_lib.definitions_check import workspace_modules
from shared_lib.secrets import (
    ExaminedSecret,
    LoginRefusedError,
    SecretError,
    SecretForbiddenError,
    SecretNeed,
    SecretNotFoundError,
    SecretsMisconfiguredError,
    SecretsResource,
    SecretState,
    VaultUnreachableError,
    examine,
)
from shared_lib.secrets.provisioning import DIRECTORY, load_approles, provision


def test_three_reads_of_one_secret_cost_one_request(proxy: FaultProxy) -> None:
    secrets = SecretsResource(location="gocardless")
    for _ in range(3):
        assert secrets.get("gocardless/api")["secret_id"].reveal() == "canary-id-0001"
    assert proxy.seen == [
        "POST /v1/auth/approle/login",
        "GET /v1/sys/internal/ui/mounts/secret",
        "GET /v1/secret/data/gocardless/api",
    ]


def test_fifty_threads_that_ask_at_once_log_in_once(bao: Bao, proxy: FaultProxy) -> None:
    for number in range(5):
        bao.write(f"gocardless/crowd-{number}", value=f"crowd-value-{number}")
    together = threading.Barrier(50)

    def ask(number: int) -> str:
        together.wait()
        secret = SecretsResource(location="gocardless").get(f"gocardless/crowd-{number % 5}")
        return secret["value"].reveal()

    with ThreadPoolExecutor(50) as threads:
        found = list(threads.map(ask, range(50)))
    assert found == [f"crowd-value-{number % 5}" for number in range(50)]
    assert len(proxy.logins()) == 1
    assert sorted(proxy.reads()) == [f"GET /v1/secret/data/gocardless/crowd-{n}" for n in range(5)]


def test_a_rotated_secret_is_seen_once_the_cached_one_is_old(bao: Bao) -> None:
    secrets = SecretsResource(location="gocardless", cache_seconds=0.5)
    assert secrets.get("gocardless/api")["secret_id"].reveal() == "canary-id-0001"
    bao.write("gocardless/api", secret_id="canary-id-0002")
    assert secrets.get("gocardless/api")["secret_id"].reveal() == "canary-id-0001"
    wait_until(
        lambda: secrets.get("gocardless/api")["secret_id"].reveal() == "canary-id-0002", seconds=30
    )


def test_a_version_can_be_pinned_and_a_deleted_one_is_missing(bao: Bao) -> None:
    bao.root.secrets.kv.v2.delete_metadata_and_all_versions("gocardless/pinned")
    for number in (1, 2):
        bao.write("gocardless/pinned", value=f"pinned-value-{number}")
    secrets = SecretsResource(location="gocardless", cache_seconds=0)
    assert secrets.get("gocardless/pinned", version=1)["value"].reveal() == "pinned-value-1"
    assert secrets.get("gocardless/pinned")["value"].reveal() == "pinned-value-2"
    bao.root.secrets.kv.v2.delete_secret_versions("gocardless/pinned", [1])
    with pytest.raises(SecretNotFoundError, match="no secret secret/gocardless/pinned in version"):
        secrets.get("gocardless/pinned", version=1)


def test_an_engine_without_versions_is_recognised(bao: Bao) -> None:
    bao.root.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
    bao.root.secrets.kv.v1.create_or_update_secret(
        "app/key", secret={"value": "old-value-1", "port": 5432}, mount_point="old"
    )
    bao.write_policy("old", 'path "old/app/*" { capabilities = ["read"] }')
    bao.root.auth.approle.create_or_update_approle("gocardless", token_policies=["old"])
    try:
        secrets = SecretsResource(location="gocardless", mount="old", path_prefix="app")
        assert secrets.get("key")["value"].reveal() == "old-value-1"
        assert secrets.get("key")["port"].reveal() == "5432"
        assert secrets.key_names("key") == {"value", "port"}
        with pytest.raises(SecretsMisconfiguredError, match="without versions"):
            secrets.get("key", version=1)
        with pytest.raises(SecretNotFoundError, match="no secret old/app/none: write it"):
            secrets.get("none")
        with pytest.raises(SecretForbiddenError, match='path "old/other/x" '):
            SecretsResource(location="gocardless", mount="old").get("other/x")
    finally:
        bao.root.auth.approle.create_or_update_approle("gocardless", token_policies=["gocardless"])
        bao.root.sys.disable_secrets_engine("old")


def test_a_location_reads_its_own_secrets_and_no_others(bao: Bao) -> None:
    locations = list(load_approles().roles)
    for owner in locations:
        bao.write(f"{owner}/own", value=f"value-of-{owner}")
    for reader in locations:
        secrets = SecretsResource(location=reader, cache_seconds=0)
        for owner in locations:
            if owner == reader:
                assert secrets.get(f"{owner}/own")["value"].reveal() == f"value-of-{owner}"
                continue
            with pytest.raises(SecretForbiddenError) as refused:
                secrets.get(f"{owner}/own")
            assert f'path "secret/data/{owner}/own" {{ capabilities = ["read"] }}' in str(
                refused.value
            )


def test_the_line_of_the_error_is_the_line_that_was_missing(bao: Bao) -> None:
    with pytest.raises(SecretForbiddenError) as refused:
        SecretsResource(location="gocardless").get("elsewhere/thing")
    line = str(refused.value).splitlines()[-1].strip()
    bao.write("elsewhere/thing", value="thing-value")
    own = bao.root.sys.read_policy("gocardless")["data"]["rules"]
    bao.write_policy("gocardless", f"{own}\n{line}")
    try:
        found = SecretsResource(location="gocardless").get("elsewhere/thing")
        assert found["value"].reveal() == "thing-value"
    finally:
        bao.write_policy("gocardless", own)


def test_needs_are_examined_without_any_value(bao: Bao, proxy: FaultProxy) -> None:
    bao.write("orchestration_platform/slack", token="canary-slack-1")
    needs = [
        SecretNeed("gocardless/api", ("secret_id", "secret_key")),
        SecretNeed("gocardless/api", ("webhook",)),
        SecretNeed("gocardless/none", ("key",)),
        SecretNeed("orchestration_platform/slack", ("token",)),
    ]
    platform = SecretsResource(location="orchestration_platform")
    found = examine(needs, secrets=platform)
    assert [(secret.path, secret.state) for secret in found] == [
        ("gocardless/api", SecretState.MISSING),
        ("gocardless/none", SecretState.MISSING),
        ("orchestration_platform/slack", SecretState.FOUND),
    ]
    assert found[0].remedy == "the secret gocardless/api lacks webhook: add the missing keys"
    assert proxy.reads() == [], "a value was sent"
    (forbidden,) = examine(needs[3:], secrets=SecretsResource(location="gocardless"))
    assert forbidden.state is SecretState.FORBIDDEN
    assert 'path "secret/subkeys/orchestration_platform/slack"' in forbidden.remedy


def test_a_server_that_is_not_there_is_named_soon_and_once(
    bao: Bao, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:9")
    secrets = SecretsResource(location="gocardless", patience_seconds=1)
    started = time.monotonic()
    found = examine([SecretNeed(f"a/{n}", ("k",)) for n in range(9)], secrets=secrets)
    assert {secret.state for secret in found} == {SecretState.UNREACHABLE}
    with ThreadPoolExecutor(20) as threads:
        errors = list(threads.map(lambda n: failure(secrets, f"a/{n // 2}"), range(20)))
    assert time.monotonic() - started < 8, "each waited for itself"
    assert {type(error) for error in errors} == {VaultUnreachableError}
    assert "cannot reach Vault at http://127.0.0.1:9 " in str(errors[0])
    assert found[0] == ExaminedSecret("a/0", SecretState.UNREACHABLE, str(errors[0]))


def failure(secrets: SecretsResource, path: str) -> SecretError:
    with pytest.raises(SecretError) as failed:
        secrets.get(path)
    return failed.value


def test_a_refused_login_names_method_role_and_mount_and_no_secret(
    bao: Bao, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAULT_AUTH_SECRET_ID_FILE")
    monkeypatch.setenv("VAULT_SECRET_ID", "canary-wrong-secret-id")
    error = failure(SecretsResource(location="gocardless"), "gocardless/api")
    assert isinstance(error, LoginRefusedError)
    role_id = bao.directory / "gocardless" / "role_id"
    assert f"rejects the login of approle role of {role_id} at auth/approle" in str(error)
    assert "canary-wrong-secret-id" not in str(error)
    assert role_id.read_text() not in str(error)
    assert error.__context__ is None


def test_a_run_that_lacks_a_secret_fails_at_once_with_what_to_do(bao: Bao) -> None:
    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=3, delay=60))
    def transactions(secrets: SecretsResource) -> None:
        secrets.get("gocardless/none")

    started = time.monotonic()
    resources = {"secrets": SecretsResource(location="gocardless")}
    result = dg.materialize([transactions], resources=resources, raise_on_error=False)
    assert time.monotonic() - started < 30
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    error = failure.step_failure_data.error
    assert error
    assert error.message.startswith(
        "shared_lib.secrets.errors.SecretNotFoundError: no secret secret/gocardless/none: write it"
    )


def test_applying_the_files_again_changes_nothing(bao: Bao) -> None:
    def state() -> list[Any]:
        role = bao.root.auth.approle.read_role("gocardless")["data"]
        read = bao.root.sys.read_policy
        policies = [read(name)["data"]["rules"] for name in load_approles().roles]
        return [role, policies, list(bao.root.sys.list_auth_methods()["data"])]

    before = state()
    provision(bao.root)
    assert state() == before
    assert before[0]["token_policies"] == ["gocardless"]
    policies = {file.stem for file in (DIRECTORY / "policies").glob("*.hcl")}
    assert policies == set(load_approles().roles) == set(workspace_modules())
