import json
import ssl
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from graph_sandbox.state import App
from graph_sandbox.testing import running_sandbox

APP = App(
    "100000000000001",
    "test-app-secret",
    ("http://localhost:3001/meta/oauth/callback", "https://x.test/cb?a=1"),
)
TLS = ssl.create_default_context()
"""Made once: every client of its own costs more than the calls it makes."""
ACCOUNT = "act_101500000000001"
SCOPES = "ads_management,business_management"


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with running_sandbox(APP) as base:
        yield base


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    """A client without a token, on a sandbox in its first state."""
    with httpx.Client(base_url=address, timeout=10, trust_env=False, verify=TLS) as client:
        client.post("/_sandbox/reset").raise_for_status()
        yield client


@pytest.fixture
def decide(http: httpx.Client) -> Callable[..., dict[str, str]]:
    """Submit the dialog's form; gives the parameters of the redirect."""

    def submit(decision: str = "approve", **changes: Any) -> dict[str, str]:
        form = {
            "client_id": APP.app_id,
            "redirect_uri": APP.redirect_uris[0],
            "state": "s-1",
            "scope": SCOPES,
            "decision": decision,
            **changes,
        }
        answer = http.post("/v25.0/dialog/oauth/decision", data=form)
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    return submit


@pytest.fixture
def exchange(http: httpx.Client) -> Callable[..., httpx.Response]:
    def call(code: str = "", **changes: str) -> httpx.Response:
        params = {
            "client_id": APP.app_id,
            "client_secret": APP.app_secret,
            "redirect_uri": APP.redirect_uris[0],
            "code": code,
            **changes,
        }
        return http.post("/v25.0/oauth/access_token", data=params)

    return call


@pytest.fixture
def login(
    decide: Callable[..., dict[str, str]], exchange: Callable[..., httpx.Response]
) -> Callable[..., str]:
    """Log a persona in through the dialog; gives the token."""

    def walk(persona: str = "ada", **changes: Any) -> str:
        token: str = exchange(decide(persona=persona, **changes)["code"]).json()["access_token"]
        return token

    return walk


@pytest.fixture
def graph(address: str, login: Callable[..., str]) -> Iterator[httpx.Client]:
    """Ada's Graph at v25.0."""
    headers = {"authorization": f"Bearer {login()}"}
    with httpx.Client(
        base_url=f"{address}/v25.0", headers=headers, timeout=10, trust_env=False, verify=TLS
    ) as client:
        yield client


@pytest.fixture
def as_persona(address: str, login: Callable[..., str]) -> Iterator[Callable[[str], httpx.Client]]:
    opened: list[httpx.Client] = []

    def open_client(persona: str) -> httpx.Client:
        headers = {"authorization": f"Bearer {login(persona)}"}
        opened.append(
            httpx.Client(
                base_url=f"{address}/v25.0", headers=headers, timeout=10, trust_env=False, verify=TLS
            )
        )
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


def campaign_form(**changes: Any) -> dict[str, str]:
    """A campaign that is valid on every version; None leaves a field out."""
    values = {
        "name": "Project Auto - Test Campaign",
        "objective": "OUTCOME_TRAFFIC",
        "status": "PAUSED",
        "special_ad_categories": [],
        "is_adset_budget_sharing_enabled": False,
        "adlabels": [{"name": "pa-run-1"}],
        **changes,
    }
    return encode(values)


def adset_form(campaign_id: str, **changes: Any) -> dict[str, str]:
    values = {
        "name": "Project Auto - Test Ad Set",
        "campaign_id": campaign_id,
        "status": "PAUSED",
        "daily_budget": 10000,
        "billing_event": "IMPRESSIONS",
        "optimization_goal": "LINK_CLICKS",
        "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
        "targeting": {
            "geo_locations": {"countries": ["SE"]},
            "targeting_automation": {"advantage_audience": 0},
        },
        "adlabels": [{"name": "pa-run-1"}],
        **changes,
    }
    return encode(values)


def encode(values: dict[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for name, value in values.items()
        if value is not None
    }


@pytest.fixture
def new_campaign(graph: httpx.Client) -> Callable[..., httpx.Response]:
    def create(account: str = ACCOUNT, **changes: Any) -> httpx.Response:
        return graph.post(f"/{account}/campaigns", data=campaign_form(**changes))

    return create


@pytest.fixture
def new_adset(graph: httpx.Client) -> Callable[..., httpx.Response]:
    def create(campaign_id: str, account: str = ACCOUNT, **changes: Any) -> httpx.Response:
        return graph.post(f"/{account}/adsets", data=adset_form(campaign_id, **changes))

    return create


@pytest.fixture
def ledger(http: httpx.Client) -> Callable[..., list[dict[str, Any]]]:
    def read(**query: Any) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = http.get("/_sandbox/ledger", params=query).json()["data"]
        return entries

    return read


@pytest.fixture
def connect(address: str, login: Callable[..., str]) -> Iterator[Callable[..., FacebookAdsApi]]:
    """The official SDK, unmodified: its session reads `GRAPH` at each call, so nothing is patched."""
    sessions: list[FacebookSession] = []

    def open_api(
        persona: str = "ada",
        *,
        version: str = "v25.0",
        token: str | None = None,
        secret: str = APP.app_secret,
        anyone: bool = False,
    ) -> FacebookAdsApi:
        """Logged in as a persona, with a token, or as `anyone`."""
        session = (
            FacebookSession(timeout=10)
            if anyone
            else FacebookSession(app_secret=secret, access_token=token or login(persona), timeout=10)
        )
        session.GRAPH = address
        session.requests.trust_env = False
        sessions.append(session)
        return FacebookAdsApi(session, version)

    yield open_api
    for session in sessions:
        session.requests.close()
