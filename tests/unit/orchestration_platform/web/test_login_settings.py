"""How people log in: the variable, the file, and what is wrong with them."""

from pathlib import Path

import pytest

from orchestration_platform.web.login.person import Grant, Person, Role
from orchestration_platform.web.login.settings import LoginSettings, Way, login_settings
from shared_lib.configuration.validated_yaml import ConfigurationError

DIGEST = "0" * 64
GOOD = f"""
grants:
  - {{role: viewer, everyone: true}}
  - {{role: launcher, groups: [analysts], locations: [shop]}}
  - {{role: admin, people: [ada@acme.test]}}
proxy: {{addresses: [10.0.0.0/8]}}
tokens:
  - {{name: nightly, sha256: "{DIGEST}", role: launcher, locations: [shop], expires: 2027-01-31}}
"""


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text(
        "load_from:\n"
        "  - python_file: {relative_path: shop.py, location_name: shop}\n"
        "  - grpc_server: {host: bank, port: 4000, location_name: bank}\n"
    )

    def reading(way: str = "", text: str | None = None, host: str = "127.0.0.1") -> LoginSettings:
        monkeypatch.setenv("PLATFORM_LOGIN", way)
        if text is not None:
            (tmp_path / "login.yaml").write_text(text)
            monkeypatch.setenv("PLATFORM_LOGIN_FILE", str(tmp_path / "login.yaml"))
        return login_settings(host=host, workspace=workspace)

    return reading


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_this_machine_needs_no_login(read, host: str) -> None:
    assert read(host=host).way is Way.NONE
    assert read("none", host=host).way is Way.NONE


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "dagster.acme.test", ""])
@pytest.mark.parametrize("way", ["", "none"])
def test_no_login_is_refused_where_others_reach_it(read, way: str, host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^PLATFORM_LOGIN: without a login the webserver"):
        read(way, host=host)


def test_roles_of_people_and_groups(read) -> None:
    file = read("proxy", GOOD, host="0.0.0.0").file
    viewer = Grant(Role.VIEWER)
    assert file.person("eve@acme.test", []) == Person("eve@acme.test", (viewer,))
    bob = file.person("bob@acme.test", ["analysts", "others"])
    assert bob is not None
    assert [bob.may(Role.LAUNCHER, location=name) for name in ("shop", "bank", None)] == [
        True, False, False,
    ]  # fmt: skip
    assert bob.may(Role.VIEWER, location="bank")
    ada = file.person("ada@acme.test", [])
    assert ada is not None
    assert ada.may(Role.ADMIN)


def test_nobody_has_a_role_by_default(read) -> None:
    file = read("proxy", "proxy: {addresses: [10.0.0.1]}").file
    assert file.person("ada@acme.test", ["admins"]) is None


@pytest.mark.parametrize("name", ["", "ada,eve", "ada\nroot", "a" * 101])
def test_a_name_that_cannot_be_listed_gets_no_role(read, name: str) -> None:
    assert read("proxy", GOOD).file.person(name, []) is None


@pytest.mark.parametrize(
    ("way", "old", "new", "message"),
    [
        ("oidcc", "", "", "PLATFORM_LOGIN: 'oidcc' is not allowed, allowed is one of: none, proxy,"
         " oidc, tokens, did you mean oidc?"),
        ("oidc", "", "", "login.yaml: oidc: missing, PLATFORM_LOGIN=oidc needs this section"),
        ("proxy", "[shop]", "[shpo]", "login.yaml:4: grants.1.locations.0: 'shpo' is not a code "
         "location, allowed is one of: shop, bank, did you mean shop?"),
        ("proxy", "role: admin", "role: owner", "login.yaml:5: grants.2.role: 'owner' is not "
         "allowed, allowed is one of: viewer, launcher, editor, admin"),
        ("proxy", "role: viewer", "role: viewer, locations: [shop]",
         "the role viewer holds everywhere; remove them"),
        ("proxy", ", everyone: true", "", "nobody has this role: set people, groups or everyone"),
        ("proxy", "10.0.0.0/8", "10.0.0.1/8", "login.yaml:6: proxy.addresses.0: "),
        ("proxy", "addresses", "adresses", "login.yaml:6: proxy.adresses: unknown key"),
        ("proxy", ", expires: 2027-01-31", "", "login.yaml:8: tokens.0.expires: missing"),
        ("proxy", DIGEST, "secret", "login.yaml:8: tokens.0.sha256: 'secret' is not allowed"),
    ],
)  # fmt: skip
def test_a_mistake_is_an_error(read, way: str, old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(way, GOOD.replace(old, new, 1))
    assert message in str(raised.value)


def test_a_way_needs_its_file(read) -> None:
    with pytest.raises(ConfigurationError, match=r"^PLATFORM_LOGIN_FILE: PLATFORM_LOGIN=proxy"):
        read("proxy")
    with pytest.raises(ConfigurationError, match=r"another token has the same name"):
        read("proxy", GOOD + GOOD.splitlines()[-1])


@pytest.mark.parametrize("issuer", ["http://login.acme.test", "ftp://login.acme.test", "acme"])
def test_the_provider_is_reached_by_tls(read, issuer: str) -> None:
    text = f"oidc: {{issuer: '{issuer}', client_id: dagster, client_secret_file: secret}}"
    with pytest.raises(ConfigurationError, match="is not encrypted: write https://"):
        read("oidc", text)
