"""Drives the system from outside: the gateway's public HTTP interface and the sandbox's own pages."""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import httpx

from local_stack.customer import DEMO_SETTINGS, Customer
from local_stack.dialog import consent

PASSWORD = "correct horse battery staple"
OWNER = "Provbolaget AB"
FINAL = {"success", "failed"}
ACCOUNTS = 120
"""Ad accounts that the suite adds: a few more than all tests together use."""
FAULT_DETAILS = ("seconds", "regain_minutes", "code", "subcode", "message")


T = TypeVar("T")


async def eventually(
    probe: Callable[[], Awaitable[T]], accept: Callable[[T], bool], *, seconds: float = 30
) -> T:
    """Poll until a value is accepted; the last one seen is in the failure."""
    deadline = time.monotonic() + seconds
    while True:
        value = await probe()
        if accept(value):
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s, last seen: {value!r}"
        await asyncio.sleep(0.1)


class Advertiser(Customer):
    """A customer with an address of their own."""

    def __init__(self, gateway_url: str) -> None:
        super().__init__(gateway_url)
        self.email = f"ada-{uuid4().hex[:12]}@example.com"

    async def sign_up(self) -> None:
        await self.sign_up_or_log_in(self.email, PASSWORD)

    @property
    def session(self) -> str:
        """The value of the session cookie."""
        return self._http.cookies["session"]

    async def save(self, **changes: object) -> dict[str, Any]:
        return dict(await self.post("/ads/settings", {**DEMO_SETTINGS, **changes}))

    async def select(self, account: str) -> None:
        await self.post("/meta/ad-accounts/select", {"adAccountId": account})

    async def set_up(self, account: str, *, persona: str = "ben") -> None:
        """Everything before the first publish: connection, ad account, settings."""
        await self.connect(persona=persona)
        await self.select(account)
        await self.save()

    async def start_publish(self) -> dict[str, Any]:
        return dict(await self.post("/ads/publish", {}))

    async def run(self, run_id: str) -> dict[str, Any]:
        return dict(await self.get(f"/ads/runs/{run_id}"))

    async def finished(self, run_id: str, *, seconds: float = 60) -> dict[str, Any]:
        """Follow a run to its end."""
        return await eventually(lambda: self.run(run_id), lambda run: run["status"] in FINAL, seconds=seconds)

    async def publish_to_success(self) -> dict[str, Any]:
        run = await self.publish()
        assert run["status"] == "success", run["errorMessage"]
        return run

    async def status(self) -> dict[str, Any]:
        return dict(await self.get("/ads/status"))

    async def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """One raw call, for what must be refused."""
        return await self._http.request(method, path, **kwargs)


class Sandbox:
    """The sandbox's own pages, and Ads Manager: what a person does at Meta beside our system."""

    def __init__(self, base_url: str, *, app_id: str, app_secret: str, redirect_uri: str) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=10)
        self._base_url = base_url
        self._app = {"client_id": app_id, "redirect_uri": redirect_uri}
        self._app_secret = app_secret

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def _call(self, method: str, path: str, **kwargs: Any) -> Any:
        answer = await self._http.request(method, path, **kwargs)
        assert answer.is_success, answer.text
        return answer.json()

    async def objects(self, account: str) -> list[dict[str, Any]]:
        """Campaigns and ad sets of one ad account that are not deleted."""
        return list((await self._call("GET", "/_sandbox/objects", params={"account": account}))["data"])

    async def ledger(self, **filters: str) -> list[dict[str, Any]]:
        """Everything that Meta was asked and did, oldest first."""
        return list((await self._call("GET", "/_sandbox/ledger", params=filters))["data"])

    async def created(self, account: str, step: str) -> list[str]:
        """Ids of everything of this kind that was ever created in the ad account."""
        entries = await self.ledger(account=account, kind="created")
        return [entry["id"] for entry in entries if entry["kind"] == step]

    async def change_account(self, account: str, **fields: object) -> None:
        await self._call("POST", f"/_sandbox/accounts/{account}", json=fields)

    async def add_accounts(self, persona: str, count: int) -> list[str]:
        """Give a person more ad accounts, without DSA defaults."""
        body = {"count": count, "dsa_defaults": False}
        return list((await self._call("POST", f"/_sandbox/personas/{persona}/accounts", json=body))["data"])

    async def change_settings(self, **fields: object) -> None:
        await self._call("POST", "/_sandbox/settings", json=fields)

    async def name_owner(self, account: str) -> None:
        """Give the ad account the DSA defaults that ads in the EU need."""
        await self.change_account(account, default_dsa_payor=OWNER, default_dsa_beneficiary=OWNER)

    async def revoke_tokens(self, user: str, subcode: int | None) -> None:
        """Make Meta refuse this person's tokens; None takes that back."""
        await self._call("POST", "/_sandbox/tokens/revoke", json={"user": user, "subcode": subcode})

    async def arm(self, do: str, *, at: str = "after_commit", times: int | None = 1, **match: object) -> None:
        """Arm a fault for the next calls that match; None arms it until it is cleared."""
        details = {key: match.pop(key, None) for key in FAULT_DETAILS}
        extra = {key: value for key, value in details.items() if value is not None}
        body = {"match": match, "at": at, "do": do, "times": times, **extra}
        await self._call("POST", "/_sandbox/faults", json=body)

    async def arm_raw(self, **fault: object) -> None:
        """Arm a fault with every field as the sandbox takes it."""
        await self._call("POST", "/_sandbox/faults", json=fault)

    async def clear_faults(self) -> None:
        await self._call("DELETE", "/_sandbox/faults")

    async def user_token(self, persona: str) -> str:
        """A token for Ads Manager, by a login of its own."""
        query = {**self._app, "state": "x", "scope": "ads_management", "response_type": "code"}
        target = await consent(f"{self._base_url}/v25.0/dialog/oauth?{urlencode(query)}", persona=persona)
        code = parse_qs(urlsplit(target).query)["code"][0]
        form = {**self._app, "client_secret": self._app_secret, "code": code}
        return str((await self._call("POST", "/v25.0/oauth/access_token", data=form))["access_token"])

    async def delete(self, object_id: str, *, persona: str) -> None:
        """Delete an object as a person does in Ads Manager."""
        token = await self.user_token(persona)
        proof = hmac.new(self._app_secret.encode(), token.encode(), "sha256").hexdigest()
        await self._call(
            "DELETE",
            f"/v25.0/{object_id}",
            headers={"authorization": f"Bearer {token}"},
            params={"appsecret_proof": proof},
        )
