"""What the publisher sends to Meta, held against Meta's own client and Meta's own specification."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from ads_publisher.graph import Access, GraphClient
from ads_publisher.payloads import adset_params, campaign_params
from graph_sandbox.catalog import NEW_ADSET, NEW_CAMPAIGN, SPEC

ACCOUNT, TOKEN, SECRET = "act_101500000000001", "EAAS-token", "app-secret"
RUN_ID = UUID("6560dac0-0000-4000-8000-000000000001")
CAMPAIGN = campaign_params(RUN_ID)
ADSET = adset_params(
    RUN_ID, "12021795356936034", daily_budget=10000, beneficiary="Brød & Co", payor="P+C = 100 %"
)
EDGES = [("campaigns", CAMPAIGN), ("adsets", ADSET)]
"""Names with everything that an encoding can get wrong."""

BODY_DIFFERENCES = {
    "appsecret_proof": "ours is bound to a time, so it differs; the SDK puts its own into the query",
    "appsecret_time": "the SDK has no timed proof; ours lets Meta refuse a create that comes late",
}
"""Fields of the body that only one of the two sends."""

QUERY_DIFFERENCES = {
    "access_token": "ours is in the Authorization header: an address ends in logs",
    "appsecret_proof": "ours is in the body, for the same reason",
}
HEADER_DIFFERENCES = {
    "accept-encoding": "ours asks for an answer as it is: a bounded body is counted in plain bytes",
    "authorization": "carries our token",
    "content-length": "follows the body",
    "user-agent": "each says who it is",
}
SPEC_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "unsigned int": lambda value: type(value) is int and value >= 0,
    "Targeting": lambda value: isinstance(value, dict),
    "list<Object>": lambda value: isinstance(value, list) and all(isinstance(one, dict) for one in value),
}


@dataclass(frozen=True)
class Sent:
    """One request as it came off the wire."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def fields(self) -> dict[str, str]:
        """Each field of the form with its value still encoded."""
        return dict(pair.split("=", 1) for pair in self.body.decode("ascii").split("&"))

    def decoded(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("ascii"), keep_blank_values=True, strict_parsing=True))


@contextmanager
def listener() -> Iterator[tuple[str, list[Sent]]]:
    """An HTTP server that keeps what it gets and answers as a create does."""
    got: list[Sent] = []

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            got.append(Sent(parts.path, parts.query, headers, body))
            answer = b'{"id":"12021795356936034"}'
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keep) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join(10)


async def both(edge: str, params: dict[str, Any]) -> tuple[Sent, Sent]:
    """The same create by our publisher and by the SDK."""
    with listener() as (address, got):
        ours = GraphClient(base_url=address, version="v25.0", app_secret=SECRET, timeout_seconds=10)
        access = Access(ad_account_id=ACCOUNT, token=TOKEN)
        await ours.create(access, edge, params, proof_time=1_764_000_000)
        await ours.close()
        session = FacebookSession(app_secret=SECRET, access_token=TOKEN, timeout=10)
        session.GRAPH = address
        session.requests.trust_env = False
        account = AdAccount(ACCOUNT, api=FacebookAdsApi(session, "v25.0"))
        create = {"campaigns": account.create_campaign, "adsets": account.create_ad_set}[edge]
        create(params=params)
        session.requests.close()
    return got[0], got[1]


@pytest.mark.parametrize(("edge", "params"), EDGES)
async def test_every_field_is_encoded_as_metas_client_encodes_it(edge: str, params: dict[str, Any]) -> None:
    """The percent-encoding may differ in letters that both sides read alike, the decoded bytes never."""
    ours, theirs = await both(edge, params)
    assert ours.path == theirs.path == f"/v25.0/{ACCOUNT}/{edge}"
    shared = set(params)
    assert {name: ours.decoded()[name] for name in shared} == {
        name: theirs.decoded()[name] for name in shared
    }
    assert {name: ours.fields()[name] for name in shared} == {name: theirs.fields()[name] for name in shared}
    assert set(ours.fields()) ^ set(theirs.fields()) == set(BODY_DIFFERENCES)


@pytest.mark.parametrize(("edge", "params"), EDGES)
async def test_what_differs_beside_the_fields_is_listed_with_its_reason(
    edge: str, params: dict[str, Any]
) -> None:
    ours, theirs = await both(edge, params)
    assert ours.query == ""
    assert set(parse_qs(theirs.query)) == set(QUERY_DIFFERENCES)
    names = set(ours.headers) | set(theirs.headers)
    differing = {name for name in names if ours.headers.get(name) != theirs.headers.get(name)} - {"host"}
    assert differing == set(HEADER_DIFFERENCES)
    assert (
        ours.headers["content-type"] == theirs.headers["content-type"] == "application/x-www-form-urlencoded"
    )


@pytest.mark.parametrize(("endpoint", "params"), [(NEW_CAMPAIGN, CAMPAIGN), (NEW_ADSET, ADSET)])
def test_every_parameter_is_in_metas_specification_with_its_type(
    endpoint: str, params: dict[str, Any]
) -> None:
    specified = SPEC["endpoints"][endpoint]["params"]
    for name, value in params.items():
        facts = specified[name]
        if "enum" in facts:
            allowed = set(SPEC["enums"][facts["enum"]])
            assert set(value if facts["type"].startswith("list<") else [value]) <= allowed, name
        else:
            assert SPEC_TYPES[facts["type"]](value), name
    required = {name for name, facts in specified.items() if facts.get("required")}
    assert required <= set(params)


def test_the_nested_keys_are_in_metas_specification() -> None:
    fields, targeting = SPEC["fields"], ADSET["targeting"]
    assert set(targeting) <= set(fields["Targeting"])
    assert set(targeting["geo_locations"]) <= set(fields["TargetingGeoLocation"])
    assert set(targeting["targeting_automation"]) <= set(fields["TargetingAutomation"])
    assert {key for label in ADSET["adlabels"] for key in label} <= set(fields["AdLabel"])


def test_the_specification_says_where_it_is_from() -> None:
    assert SPEC["source"]["repository"] == "https://github.com/facebook/facebook-business-sdk-codegen"
    assert len(SPEC["source"]["commit"]) == 40
    assert json.dumps(SPEC).isascii()
