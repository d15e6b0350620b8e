"""The vendor's own client, nordigen 1.4.2, through the flow of its README, as it is."""

from uuid import uuid4

import pytest
import requests
from nordigen import NordigenClient

from sandboxes.bank.bank import Bank
from sandboxes.bank.server import RunningSandbox

SITE = "https://gocardless.com"


@pytest.fixture
def vendor(sandbox: RunningSandbox) -> NordigenClient:
    """The client of which nothing but the address is set."""
    sandbox.state.banks.append(Bank("REVOLUT_REVOLT21", "Revolut", country="LV"))
    return NordigenClient(
        secret_id=sandbox.state.secret_id,
        secret_key=sandbox.state.secret_key,
        base_url=f"{sandbox.url}/api/v2",
    )


def test_the_whole_flow_of_its_readme(vendor: NordigenClient) -> None:
    pair = vendor.generate_token()
    vendor.token = pair["access"]
    assert vendor.exchange_token(pair["refresh"])["access"] == vendor.token != pair["access"]
    bank = vendor.institution.get_institution_id_by_name(country="LV", institution="Revolut")
    assert [found["id"] for found in vendor.institution.get_institutions("LV")] == [bank]
    assert vendor.institution.get_institution_by_id(bank)["name"] == "Revolut"
    begun = vendor.initialize_session(
        institution_id=bank, redirect_uri=SITE, reference_id=str(uuid4())
    )
    before = vendor.requisition.get_requisition_by_id(requisition_id=begun.requisition_id)
    assert (before["status"], before["accounts"]) == ("CR", [])

    # the end user, in a browser
    sent_on = requests.get(begun.link, allow_redirects=False)
    assert sent_on.headers["Location"] == f"{SITE}?ref={before['reference']}"

    after = vendor.requisition.get_requisition_by_id(requisition_id=begun.requisition_id)
    assert after["status"] == "LN"
    account = vendor.account_api(id=after["accounts"][0])
    assert account.get_metadata()["institution_id"] == bank
    assert account.get_details()["account"]["currency"] == "EUR"
    assert account.get_balances()["balances"]
    booked = account.get_transactions()["transactions"]["booked"]
    assert len(booked) > 40
    first, last = booked[-1]["bookingDate"], booked[5]["bookingDate"]
    some = account.get_transactions(date_from=first, date_to=last)["transactions"]["booked"]
    assert 0 < len(some) < len(booked)
    assert account.get_premium_transactions(country="LV", date_from=first, date_to=last)
    assert account.get_premium_details()["account"] == account.get_details()["account"]


def test_what_its_readme_leaves_out(vendor: NordigenClient, sandbox: RunningSandbox) -> None:
    vendor.generate_token()
    made = vendor.agreement.create_agreement("REVOLUT_REVOLT21", access_scope=["balances"])
    assert made["accepted"] is None
    # these two it asks for without the last slash, and is sent on
    assert vendor.agreement.get_agreement_by_id(made["id"])["access_scope"] == ["balances"]
    accepted = vendor.agreement.accept_agreement(made["id"], "127.0.0.1", "a browser")
    assert accepted["accepted"] is not None
    with pytest.raises(requests.HTTPError, match="cannot be accepted more than once"):
        vendor.agreement.accept_agreement(made["id"], "127.0.0.1", "a browser")
    ids = [found["id"] for found in vendor.agreement.get_agreements(limit=10)["results"]]
    assert made["id"] in ids
    assert made["id"] in vendor.agreement.delete_agreement(made["id"])["detail"]
    found = vendor.requisition.get_requisitions(limit=1)
    assert (found["count"], len(found["results"])) == (2, 1)
    gone = found["results"][0]["id"]
    assert gone in vendor.requisition.delete_requisition(gone)["detail"]
    assert [known.requisition_id for known in sandbox.state.connections] != [gone]
    with pytest.raises(requests.HTTPError, match="404"):
        vendor.requisition.get_requisition_by_id(gone)
