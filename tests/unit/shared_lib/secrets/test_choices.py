"""Backend, server and method must be set explicitly."""

from pathlib import Path

import hvac
import pytest

from sandboxes.vault.server import EXAMPLE_SECRETS
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.validated_yaml import load_yaml
from shared_lib.secrets import (
    SecretNeed,
    SecretNotFoundError,
    SecretsMisconfiguredError,
    SecretsResource,
    SecretState,
    examine,
)
from shared_lib.secrets.env_backend import EnvBackend
from shared_lib.secrets.resource import secrets_backend
from shared_lib.secrets.variables import variable_name
from shared_lib.secrets.vault.authentication import (
    AppRoleMethod,
    FromEnvironment,
    chosen_method,
    method_of_environment,
)
from shared_lib.secrets.vault.login import Identity
from shared_lib.secrets.vault.server import vault_server


@pytest.mark.parametrize("environment", ["qa", "production"])
def test_only_vault_is_accepted_where_it_matters(
    environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", environment)
    assert secrets_backend() == "vault"
    monkeypatch.setenv("SECRETS_BACKEND", "env")
    monkeypatch.setenv("GOCARDLESS_API__SECRET_ID", "from-a-variable")
    with pytest.raises(SecretsMisconfiguredError, match=f"{environment} accepts only vault"):
        SecretsResource(location="gocardless").get("gocardless/api")


def test_elsewhere_variables_are_the_default_and_vault_can_be_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert secrets_backend() == "env"
    monkeypatch.setenv("SECRETS_BACKEND", "vault")
    assert secrets_backend() == "vault"
    monkeypatch.setenv("SECRETS_BACKEND", "file")
    with pytest.raises(SecretsMisconfiguredError, match="allowed is one of: env, vault"):
        secrets_backend()


def test_variables_come_before_the_file_and_both_make_one_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text("GOCARDLESS_API__SECRET_ID=file\nGOCARDLESS_API__SECRET_KEY='$key'\nOTHER__A=b")
    monkeypatch.setenv("GOCARDLESS_API__SECRET_ID", "variable")
    backend = EnvBackend(dotenv_file=file)
    assert backend.read("gocardless/api") == {"secret_id": "variable", "secret_key": "$key"}
    assert variable_name("orchestration-platform/slack.app", "token") == (
        "ORCHESTRATION_PLATFORM_SLACK_APP__TOKEN"
    )
    with pytest.raises(SecretNotFoundError, match="set GOCARDLESS_SFTP__<KEY>, one variable"):
        backend.read("gocardless/sftp")
    with pytest.raises(SecretsMisconfiguredError, match="have no versions"):
        backend.read("gocardless/api", version=2)


def test_the_example_file_names_every_secret() -> None:
    example = (REPOSITORY_ROOT / ".env.example").read_text(encoding="utf-8")
    for path, values in load_yaml(EXAMPLE_SECRETS).items():
        for key in values:
            assert f"# {variable_name(path, key)}=\n" in example
        assert f"secret {path}\n" in example


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "../sys", "a/../b", "a b", "a?b", "a/*"])
def test_an_invalid_path_is_refused(path: str) -> None:
    with pytest.raises(SecretsMisconfiguredError, match="is not the path of a secret"):
        SecretsResource(location="gocardless").get(path)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "set VAULT_AUTH_METHOD to one of: approle, aws, cert, jwt, kubernetes, token, user"),
        ({"METHOD": "ldap"}, "'ldap' is not a method"),
        ({"METHOD": "jwt"}, "the method jwt needs VAULT_AUTH_ROLE: "),
        (
            {"METHOD": "token", "ROLE": "x"},
            "the method token does not use VAULT_AUTH_ROLE: unset it",
        ),
        ({"METHOD": "approle", "WRAPPED": "s3cr3t-value"}, "approle needs VAULT_AUTH_WRAPPED"),
    ],
)
def test_a_method_is_never_guessed(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"VAULT_AUTH_{name}", value)
    # there, and not taken
    monkeypatch.setenv("VAULT_TOKEN", "a-token-of-the-machine")
    with pytest.raises(SecretsMisconfiguredError) as refused:
        method_of_environment()
    assert expected in str(refused.value)
    assert "s3cr3t-value" not in str(refused.value)


def test_one_set_of_variables_sets_each_location_its_own_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VAULT_AUTH_METHOD", "approle")
    monkeypatch.setenv("VAULT_AUTH_ROLE_ID_FILE", "/run/{location}/role_id")
    monkeypatch.setenv("VAULT_AUTH_SECRET_ID_FILE", "/run/{location}/secret_id")
    method = chosen_method(FromEnvironment(), location="simulation")
    assert method == AppRoleMethod(
        role_id_file="/run/simulation/role_id", secret_id_file="/run/simulation/secret_id"
    )


def test_an_approle_without_a_role_id_names_the_variables_to_set() -> None:
    with pytest.raises(SecretsMisconfiguredError, match=r"VAULT_AUTH_ROLE_ID, or VAULT_AUTH_ROLE_"):
        Identity(AppRoleMethod()).log_in(hvac.Client("http://127.0.0.1:9"))


def test_the_usual_variables_mean_the_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SecretsMisconfiguredError, match="set VAULT_ADDR"):
        vault_server()
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example.com:8200/")
    monkeypatch.setenv("VAULT_NAMESPACE", "data")
    server = vault_server()
    assert (server.address, server.namespace) == ("https://vault.example.com:8200", "data")
    assert server.trusted is True
    monkeypatch.setenv("VAULT_CACERT", str(tmp_path / "ca.pem"))
    with pytest.raises(SecretsMisconfiguredError, match=r"VAULT_CACERT: there is no file .*ca.pem"):
        vault_server()
    (tmp_path / "ca.pem").touch()
    assert vault_server().trusted == str(tmp_path / "ca.pem")
    monkeypatch.setenv("VAULT_SKIP_VERIFY", "true")
    assert vault_server().trusted is False
    for environment in ("qa", "production"):
        monkeypatch.setenv("DAGSTER_ENVIRONMENT", environment)
        refusal = f"{environment} does not skip verification"
        with pytest.raises(SecretsMisconfiguredError, match=refusal):
            vault_server()
    monkeypatch.setenv("VAULT_SKIP_VERIFY", "perhaps")
    with pytest.raises(SecretsMisconfiguredError, match="neither true nor false"):
        vault_server()


@pytest.mark.parametrize("address", ["vault", "ftp://vault", "https://user:pw@vault", "https://"])
def test_an_invalid_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(SecretsMisconfiguredError, match="not the URL of a server") as refused:
        vault_server(address)
    assert "pw" not in str(refused.value)


def test_secrets_of_an_unconfigured_platform_are_unreachable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRETS_BACKEND", "vault")
    (found,) = examine([SecretNeed("a/b", ("c",))], secrets=SecretsResource(location="simulation"))
    assert found.state is SecretState.UNREACHABLE
    assert "set VAULT_ADDR" in found.remedy
    monkeypatch.setenv("SECRETS_BACKEND", "env")
    (found,) = examine([SecretNeed("a/b", ("c",))], secrets=SecretsResource(location="simulation"))
    assert found.state is SecretState.MISSING
