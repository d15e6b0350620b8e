"""What approles.yaml declares is in force, and a secret id that ends soon is reported."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.secrets.conftest import Bao

from orchestration_platform.health.secret_ids_last import ending
from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.secrets import LoginRefusedError, SecretForbiddenError, SecretsResource
from shared_lib.secrets.provisioning import DIRECTORY, load_approles, provision

LIMITED = """
mount: approle
key_value_mount: secret
roles:
  limited:
    token_ttl: 1h
    token_max_ttl: 4h
    secret_id_ttl: {ttl}
    token_type: batch
    token_num_uses: 0
    secret_id_num_uses: {uses}
    secret_id_bound_cidrs: [{network}]
    token_bound_cidrs: [127.0.0.0/8]
"""


@pytest.fixture
def limited(bao: Bao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Provision a role with limits; log in as it with one secret id."""

    def make(*, uses: int = 0, network: str = "127.0.0.0/8", ttl: str = "48h") -> SecretsResource:
        directory = tmp_path / "vault"
        (directory / "policies").mkdir(parents=True)
        text = (DIRECTORY / "policies" / "gocardless.hcl").read_text()
        (directory / "policies" / "limited.hcl").write_text(text)
        (directory / "approles.yaml").write_text(
            LIMITED.format(uses=uses, network=network, ttl=ttl)
        )
        provision(bao.root, directory=directory)
        auth = bao.root.auth.approle
        role_id = auth.read_role_id("limited")["data"]["role_id"]
        monkeypatch.delenv("VAULT_AUTH_ROLE_ID_FILE")
        monkeypatch.delenv("VAULT_AUTH_SECRET_ID_FILE")
        monkeypatch.setenv("VAULT_AUTH_ROLE_ID", role_id)
        secret_id = auth.generate_secret_id("limited")["data"]["secret_id"]
        monkeypatch.setenv("VAULT_SECRET_ID", secret_id)
        return SecretsResource(location="gocardless", patience_seconds=1)

    yield make
    bao.root.auth.approle.delete_role("limited")


def test_a_role_has_the_declared_limits(bao: Bao, limited) -> None:
    assert limited(uses=7).get("gocardless/api")["secret_id"].reveal() == "canary-id-0001"
    role = bao.root.auth.approle.read_role("limited")["data"]
    assert role["token_type"] == "batch"
    assert role["secret_id_num_uses"] == 7
    assert role["secret_id_bound_cidrs"] == ["127.0.0.0/8"]
    assert role["token_bound_cidrs"] == ["127.0.0.0/8"]


def test_a_login_from_another_network_is_refused(limited) -> None:
    with pytest.raises(LoginRefusedError):
        limited(network="192.0.2.0/24").get("gocardless/api")


def test_the_files_of_production_limit_every_role(bao: Bao) -> None:
    for name in load_approles().roles:
        role = bao.root.auth.approle.read_role(name)["data"]
        assert role["token_type"] == "service"
        assert "10.0.0.0/8" in role["secret_id_bound_cidrs"]
        assert "10.0.0.0/8" in role["token_bound_cidrs"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [("token_type: periodic", "token_type"), ("token_bound_cidrs: [10.0.0.0/33]", "10.0.0.0/33")],
)
def test_a_wrong_limit_is_named_with_its_line(line: str, problem: str, tmp_path: Path) -> None:
    text = LIMITED.format(uses=0, network="127.0.0.0/8", ttl="1h")
    field = line.split(":", maxsplit=1)[0]
    kept = [kept for kept in text.splitlines() if field not in kept]
    (tmp_path / "approles.yaml").write_text("\n".join([*kept, f"    {line}"]))
    with pytest.raises(ConfigurationError, match=problem) as refused:
        load_approles(tmp_path)
    assert f"approles.yaml:{len(kept) + 1}: " in str(refused.value)


def seen_by_the_platform(bao: Bao, roles: list[str]) -> dict[str, list[datetime]]:
    """The ends of secret ids, by the identity of ``orchestration_platform``."""
    watching = bao.variables["VAULT_AUTH_SECRET_ID_FILE"].replace(
        "{location}", "orchestration_platform"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VAULT_AUTH_ROLE_ID")
        patch.setenv("VAULT_AUTH_SECRET_ID_FILE", watching)
        patch.setenv("VAULT_AUTH_ROLE_ID_FILE", watching.replace("secret_id", "role_id"))
        return SecretsResource(location="orchestration_platform").ends_of_secret_ids(roles)


def test_the_platform_sees_when_secret_ids_end_and_no_other_location_does(
    bao: Bao, limited
) -> None:
    now = datetime.now(UTC)
    roles = ["gocardless", "simulation", "limited", "nobody"]
    ends = SecretsResource(location="orchestration_platform").ends_of_secret_ids(roles)
    assert ends["limited"] == ends["nobody"] == []
    with pytest.raises(SecretForbiddenError, match=r'role/simulation/secret-id" \{ capab'):
        SecretsResource(location="simulation").ends_of_secret_ids(["simulation"])

    limited(ttl="48h")
    bao.root.auth.approle.generate_secret_id("limited")
    ends = seen_by_the_platform(bao, roles)
    assert len(ends["limited"]) == 2
    for end in ends["limited"]:
        assert timedelta(hours=47) < end - now < timedelta(hours=49)
    (first, second) = ending(ends, now=now)
    assert first.startswith("limited: 2 of its 2 secret ids end, the first on ")
    assert second.startswith("nobody: it has no secret id")
    assert len(ending(ends, now=now + timedelta(days=25))) == 4


def test_each_secret_id_of_a_role_is_examined(bao: Bao, limited) -> None:
    now = datetime.now(UTC)
    limited(ttl="48h")
    bao.root.auth.approle.create_or_update_approle("limited", secret_id_ttl="700h")
    bao.root.auth.approle.generate_secret_id("limited")
    ends = seen_by_the_platform(bao, ["limited"])
    assert [round((end - now) / timedelta(hours=1)) for end in ends["limited"]] == [48, 700]
    (problem,) = ending(ends, now=now)
    assert problem.startswith("limited: 1 of its 2 secret ids ends on ")
    assert "secret-id-accessor/destroy" in problem
    assert ending({"limited": ends["limited"][1:]}, now=now) == []


def test_the_next_end_is_named() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    ends = [now + timedelta(days=days) for days in (2, 3, 20)]
    (problem,) = ending({"shop": ends}, now=now)
    assert problem.startswith("shop: 2 of its 3 secret ids end, the first on 2026-03-03 00:00 UTC")
