"""Every answer of the sandbox is one that the vendor's contract allows."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator
from tests.integration.gocardless.conftest import CONTRACT

from sandboxes.bank.bank import Bank, account_uuid, demonstration
from sandboxes.bank.control import CONTROL_PATH
from sandboxes.bank.refusals import _ERRORS
from sandboxes.bank.server import RunningSandbox, sandbox_server

ACCOUNT = f"/api/v2/accounts/{account_uuid(0)}"


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    if not Path(CONTRACT).is_file():
        pytest.skip(f"the contract is not at {CONTRACT}")
    return _plain(json.loads(CONTRACT.read_text("utf-8")))


def _plain(node: Any) -> Any:
    """OpenAPI 3.0's ``nullable`` in the words of JSON Schema."""
    if isinstance(node, list):
        return [_plain(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items()}
    if plain.pop("nullable", False) is True:
        plain["type"] = [plain["type"], "null"]
    return plain


def check(contract: dict[str, Any], response: requests.Response) -> Any:
    """The body, which the contract allows for this method, path and status."""
    path = requests.utils.urlparse(response.url).path
    matching = [
        template
        for template in contract["paths"]
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    ]
    operation = contract["paths"][matching[0]][response.request.method.lower()]
    answers = operation["responses"]
    assert str(response.status_code) in answers, (path, response.status_code)
    schema = answers[str(response.status_code)]["content"]["application/json"]["schema"]
    root = {**schema, "components": contract["components"]}
    problems = list(Draft202012Validator(root).iter_errors(response.json()))
    assert problems == [], (path, problems)
    if response.ok:
        _no_unknown_fields(contract, schema, response.json())
    return response.json()


def _no_unknown_fields(contract: dict[str, Any], schema: dict[str, Any], body: Any) -> None:
    """Schemas allow any further field; the sandbox shall have none that they do not name."""
    schema = schema["allOf"][0] if "allOf" in schema else schema
    if "$ref" in schema:
        schema = contract["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(body, list):
        for entry in body:
            _no_unknown_fields(contract, schema.get("items", {}), entry)
    elif isinstance(body, dict) and "properties" in schema:
        assert body.keys() <= schema["properties"].keys()
        for name, value in body.items():
            _no_unknown_fields(contract, schema["properties"][name], value)


def authorized(sandbox: RunningSandbox) -> requests.Session:
    session = requests.Session()
    token = sandbox.routes.tokens.new_pair()["access"]
    session.headers["Authorization"] = f"Bearer {token}"
    return session


def test_every_successful_answer_is_in_the_contract(
    contract: dict[str, Any], sandbox: RunningSandbox
) -> None:
    state, session = sandbox.state, authorized(sandbox)
    credentials = {"secret_id": state.secret_id, "secret_key": state.secret_key}
    pair = check(contract, session.post(f"{sandbox.url}/api/v2/token/new/", json=credentials))
    refresh = {"refresh": pair["refresh"]}
    check(contract, session.post(f"{sandbox.url}/api/v2/token/refresh/", json=refresh))
    connection = state.connections[0]
    for path in (
        "/api/v2/institutions/",
        "/api/v2/institutions/?country=de",
        f"/api/v2/institutions/{connection.bank.institution_id}/",
        "/api/v2/requisitions/?limit=1",
        "/api/v2/requisitions/?limit=1&offset=1",
        f"/api/v2/requisitions/{connection.requisition_id}/",
        "/api/v2/agreements/enduser/",
        f"/api/v2/agreements/enduser/{connection.agreement_id}/",
        f"{ACCOUNT}/",
        f"{ACCOUNT}/details/",
        f"{ACCOUNT}/balances/",
        f"{ACCOUNT}/transactions/?date_from=2026-04-01",
    ):
        response = session.get(f"{sandbox.url}{path}")
        assert response.status_code == 200, path
        assert check(contract, response)


def test_every_refusal_is_in_the_contract(
    contract: dict[str, Any], sandbox: RunningSandbox
) -> None:
    session = authorized(sandbox)
    expected = {
        "/api/v2/institutions/?country=GBA": 400,
        "/api/v2/institutions/?colour=red": 400,
        "/api/v2/institutions/NOBODY/": 404,
        "/api/v2/requisitions/no-uuid/": 400,
        f"/api/v2/requisitions/{account_uuid(99)}/": 404,
        f"/api/v2/agreements/enduser/{account_uuid(99)}/": 404,
        f"/api/v2/accounts/{account_uuid(99)}/": 404,
        "/api/v2/accounts/no-uuid/balances/": 400,
        f"{ACCOUNT}/transactions/?date_from=2026-05-02&date_to=2026-05-01": 400,
        f"{ACCOUNT}/transactions/?date_from=0000-00-00": 400,
    }
    for path, status in expected.items():
        response = session.get(f"{sandbox.url}{path}")
        assert response.status_code == status, path
        check(contract, response)
    unauthorized = requests.get(f"{sandbox.url}{ACCOUNT}/")
    assert unauthorized.status_code == 401
    check(contract, unauthorized)


def test_every_injected_error_is_in_the_contract_in_its_own_words(
    contract: dict[str, Any], sandbox: RunningSandbox
) -> None:
    session = authorized(sandbox)
    account = sandbox.state.connections[0].accounts[0]
    answers = contract["paths"]["/api/v2/accounts/{id}/balances/"]["get"]["responses"]
    examples = {
        name: example["value"]
        for answer in answers.values()
        for name, example in answer["content"]["application/json"].get("examples", {}).items()
    }
    # these say something of the request, which has to be made for them
    of_requests = {"RateLimitExceeded", "InvalidID"}
    injected = [name for name in _ERRORS if name in examples and name not in of_requests]
    assert len(injected) > 10
    for name in injected:
        account.failures["balances"] = [name]
        body = check(contract, session.get(f"{sandbox.url}{ACCOUNT}/balances/"))
        assert body.keys() == examples[name].keys()
        assert body.get("type") == examples[name].get("type")
        if "$" not in examples[name]["summary"]:
            assert body["summary"] == examples[name]["summary"]


def test_a_limit_is_enforced_for_each_account_and_scope(
    contract: dict[str, Any], sandbox: RunningSandbox
) -> None:
    session = authorized(sandbox)
    url = f"{sandbox.url}{ACCOUNT}/balances/"
    assert [session.get(url).status_code for _ in range(5)] == [200, 200, 200, 200, 429]
    refused = session.get(url)
    check(contract, refused)
    assert re.search(r"try again in \d+ seconds", refused.json()["detail"])
    assert session.get(f"{sandbox.url}{ACCOUNT}/details/").status_code == 200
    other = f"{sandbox.url}/api/v2/accounts/{account_uuid(1)}/balances/"
    assert session.get(other).status_code == 200
    # failures are not counted
    sandbox.state.connections[0].accounts[1].failures["balances"] = ["ServiceError"] * 4
    statuses = [session.get(other).status_code for _ in range(8)]
    assert statuses == [503, 503, 503, 503, 200, 200, 200, 429]


def test_tokens_end_when_the_vendors_do(sandbox: RunningSandbox) -> None:
    session = authorized(sandbox)
    clock = f"{sandbox.url}{CONTROL_PATH}"
    url = f"{sandbox.url}{ACCOUNT}/"
    requests.post(clock, json={"advance_seconds": 24 * 60 * 60 - 1})
    assert session.get(url).status_code == 200
    requests.post(clock, json={"advance_seconds": 1})
    assert session.get(url).status_code == 401


def test_the_demonstration_has_three_banks_with_months_of_entries() -> None:
    state = demonstration()
    assert len(state.banks) == 3
    assert isinstance(state.banks[0], Bank)
    with sandbox_server(state) as running:
        session = authorized(running)
        for connection in state.connections:
            for account in connection.accounts:
                url = f"{running.url}/api/v2/accounts/{account.account_id}/transactions/"
                lists = session.get(url).json()["transactions"]
                assert len(lists["booked"]) > 80
                dates = {entry["bookingDate"][:7] for entry in lists["booked"]}
                assert len(dates) >= 3
