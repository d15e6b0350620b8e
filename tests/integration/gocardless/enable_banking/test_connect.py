"""Connecting a bank over Enable Banking: what is explained, and what connects nothing."""

from pathlib import Path

import pytest
from tests.integration.gocardless.enable_banking.conftest import BANK, SETTINGS, owner

from gocardless.accounts.settings import load_settings
from gocardless.connect import main as connect
from sandboxes.bank.server import RunningSandbox
from shared_lib.configuration.validated_yaml import ConfigurationError

pytest_plugins = ("tests.integration.gocardless.bank_platform",)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("provider: enable_banking", "provider: enable_bank"), "did you mean 'enable_banking'"),
        (("Psu-Ip-Address", "Psu-Ip-Adress"), "did you mean 'Psu-Ip-Address'"),
        (("country: DE", "country: Germany"), "connections.0.country"),
        (("    bank:", "    bnak:"), "bnak: unknown key, allowed is one of: bank, country"),
    ],
)
def test_a_wrong_connection_of_the_settings_file_is_explained(
    tmp_path: Path, wrong: tuple[str, str], message: str
) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(SETTINGS.replace(*wrong), "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bank", "Meridian Bnak"], "did you mean Meridian Bank?"),
        (["--bank", BANK, "--business"], "serves personal: run without --business"),
        (["--bank", BANK, "--code", "wrong"], "WRONG_AUTHORIZATION_CODE"),
        (["--bank", BANK, "--code", "https://localhost/?error=access_denied"], "access_denied"),
        (["--bank", BANK, "--redirect-url", "https://other/"], "REDIRECT_URI_NOT_ALLOWED"),
    ],
)
def test_a_bank_that_cannot_be_connected_is_explained(
    platform: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert connect(["--provider", "enable_banking", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_the_address_of_another_attempt_and_a_refusal_connect_nothing(
    platform: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--provider", "enable_banking", "--bank", BANK]
    assert connect(arguments, lambda _: "https://localhost/?code=a&state=b") == 1
    assert "state differs" in capsys.readouterr().err
    assert connect(arguments, owner(capsys, "?refuse=1")) == 1
    assert "access_denied" in capsys.readouterr().err


def test_the_same_command_prints_the_link_of_a_requisition(
    platform_with_sandbox: RunningSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = platform_with_sandbox.state.banks[0].institution_id
    assert connect(["--provider", "gocardless", "--bank", bank]) == 0
    assert f"{platform_with_sandbox.url}/psd2/start/" in capsys.readouterr().out
