"""The OAuth callback: where the browser is sent after each way that a consent can end."""

from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
from gateway_harness import APP, Gateway, NewPerson, Person, Sandbox, come_back, connect, connect_url

from local_stack.dialog import consent

CALLBACK = "http://meta/meta/oauth/callback"
FAILED = "/settings?meta=error&error="


async def _state(person: Person) -> str:
    return parse_qs(urlsplit(await connect_url(person)).query)["state"][0]


async def test_the_callback_leads_back_in_the_order_of_the_contract(advertiser: Person) -> None:
    assert await come_back(advertiser, f"{CALLBACK}?code=c") == f"{FAILED}missing_state"
    assert await come_back(advertiser, f"{CALLBACK}?code=c&state=nonsense") == f"{FAILED}invalid_state"
    assert await come_back(advertiser, f"{CALLBACK}?state=%00%ff&code=c") == f"{FAILED}invalid_state"
    assert await come_back(advertiser, f"{CALLBACK}?state={'s' * 9000}&code=c") == f"{FAILED}invalid_state"
    state = await _state(advertiser)
    assert await come_back(advertiser, f"{CALLBACK}?state={state}") == f"{FAILED}missing_code"
    state = await _state(advertiser)
    declined = (
        f"error=access_denied&error_reason=user_denied&error_description=Permissions+error%21&state={state}"
    )
    assert await come_back(advertiser, f"{CALLBACK}?{declined}") == f"{FAILED}Permissions%20error%21"
    state = await _state(advertiser)
    assert await come_back(advertiser, f"{CALLBACK}?error=no_way&state={state}") == f"{FAILED}no_way"
    state = await _state(advertiser)
    refused = await come_back(advertiser, f"{CALLBACK}?state={state}&code=nonsense")
    assert refused == f"{FAILED}token_exchange_failed"


async def test_a_state_is_good_for_one_visit(advertiser: Person) -> None:
    back = await consent(await connect_url(advertiser))
    assert await come_back(advertiser, back) == "/settings?meta=connected"
    assert await come_back(advertiser, back) == "/settings?meta=error&error=invalid_state"


async def test_meta_failing_to_say_who_it_is_leaves_no_connection(
    advertiser: Person, sandbox: Sandbox
) -> None:
    await sandbox("faults", {"match": {"path": "/me"}, "do": "error", "code": 10, "times": None})
    assert await connect(advertiser) == f"{FAILED}failed_to_fetch_user"
    assert (await advertiser.get("/meta/status"))["status"] == "disconnected"


async def test_a_declined_scope_that_is_required_leaves_no_connection(
    advertiser: Person, sandbox: Sandbox
) -> None:
    asked = urlsplit(await connect_url(advertiser))
    # What the dialog's form sends when one box is unticked; a person of its own keeps the others' grants.
    decision = {**dict(parse_qsl(asked.query)), "persona": "cleo", "decision": "partial"}
    async with httpx.AsyncClient(trust_env=False) as browser:
        address = asked._replace(path=f"{asked.path}/decision", query="").geturl()
        back = await browser.post(address, data={**decision, "granted": "business_management"})
    assert await come_back(advertiser, back.headers["location"]) == f"{FAILED}missing_scopes"
    assert (await advertiser.get("/meta/status"))["status"] == "disconnected"


async def test_a_return_without_an_app_of_metas_is_not_configured(
    advertiser: Person, plain_gateway: Gateway
) -> None:
    back = urlsplit(await consent(await connect_url(advertiser)))
    async with plain_gateway.client(headers={"cookie": f"session={advertiser.cookie}"}) as browser:
        answer = await browser.get(f"{back.path}?{back.query}")
    assert answer.status_code == 302
    assert answer.headers["location"] == f"https://app.example.com{FAILED}oauth_not_configured"


async def test_a_browser_without_a_session_is_sent_to_log_in(
    advertiser: Person, connected_gateway: Gateway
) -> None:
    back = urlsplit(await consent(await connect_url(advertiser)))
    for cookie in ({}, {"cookie": "session=nonsense"}):
        async with connected_gateway.client() as nobody:
            answer = await nobody.get(f"{back.path}?{back.query}", headers=cookie)
        assert answer.status_code == 302
        assert answer.headers["location"] == f"{APP}/login?error=session_expired"


async def test_the_session_of_another_customer_is_a_mismatch(
    advertiser: Person, connected_gateway: Gateway, new_person: NewPerson
) -> None:
    intruder = await new_person(connected_gateway)
    back = await consent(await connect_url(advertiser))
    assert await come_back(intruder, back) == "/login?error=session_mismatch"
    assert (await intruder.get("/meta/status"))["status"] == "disconnected"
    assert (await advertiser.get("/meta/status"))["status"] == "disconnected"


async def test_the_callback_leads_to_the_frontend_that_is_set(plain_gateway: Gateway) -> None:
    async with plain_gateway.client() as client:
        answer = await client.get("/meta/oauth/callback")
    assert answer.headers["location"] == "https://app.example.com/settings?meta=error&error=missing_state"
