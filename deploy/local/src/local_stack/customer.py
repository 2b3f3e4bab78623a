"""A customer of the running system, driven through its public HTTP interface only."""

import asyncio
import time
from types import TracebackType
from typing import Any, Self

import httpx

from local_stack.dialog import consent

RUN_SECONDS = 90.0
"""A publish takes well under a second here; this is for a machine under heavy load."""
_POLL_SECONDS = 0.25

DEMO_SETTINGS = {
    "geoMode": "radius",
    "geoCenterText": "Stockholm",
    "geoRadiusKm": 25,
    "formatsJson": ["feed", "stories"],
    "ctaType": "learn_more",
    "budgetOverride": 3000,
}


class RefusedError(RuntimeError):
    """The gateway refused a step; the text is its own, with the hint."""


class Customer:
    """Signs up or logs in, connects to Meta, selects an account, publishes. An async context manager."""

    def __init__(self, gateway_url: str) -> None:
        # The gateway closes a connection that was idle for 5 s; ours must not be about to use it then.
        limits = httpx.Limits(keepalive_expiry=2)
        self._http = httpx.AsyncClient(base_url=gateway_url, trust_env=False, timeout=15, limits=limits)
        self.customer_id = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def sign_up_or_log_in(self, email: str, password: str) -> bool:
        """Be this customer from now on. True when the account is new."""
        body = {"email": email, "password": password}
        answer = await self._http.post("/signup", json={**body, "name": "Demo Customer"})
        is_new = answer.status_code == httpx.codes.CREATED
        if not is_new:
            answer = await self._http.post("/auth/login", json=body)
        self.customer_id = str(_accepted(answer)["customerId"])
        self._http.headers["x-customer-id"] = self.customer_id
        return is_new

    async def connect(self, *, decision: str = "approve", persona: str | None = None) -> None:
        """Decide on the OAuth dialog and come back through the gateway's callback."""
        url = _accepted(await self._http.get("/meta/oauth/connect-url"))["url"]
        answer = await self._http.get(await consent(url, decision=decision, persona=persona))
        target = answer.headers.get("location", "")
        if not target.endswith("/settings?meta=connected"):
            raise RefusedError(f"The OAuth callback answered {answer.status_code} and led to {target!r}")

    async def select_first_account(self) -> dict[str, Any]:
        """Select the first ad account that may be selected, and return it."""
        accounts = _accepted(await self._http.get("/meta/ad-accounts"))["data"]
        usable = [account for account in accounts if account.get("selectable", True)]
        if not usable:
            raise RefusedError(f"None of the {len(accounts)} ad accounts can be selected")
        await self.post("/meta/ad-accounts/select", {"adAccountId": usable[0]["id"]})
        return dict(usable[0])

    async def publish(self) -> dict[str, Any]:
        """Publish and follow the run to its end; returns the run with its timeline."""
        run_id = (await self.post("/ads/publish", {}))["runId"]
        deadline = time.monotonic() + RUN_SECONDS
        while True:
            run = await self.get(f"/ads/runs/{run_id}")
            if run["status"] in {"success", "failed"}:
                return dict(run)
            if time.monotonic() > deadline:
                raise RefusedError(f"Run {run_id} is still {run['status']} after {RUN_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def get(self, path: str) -> Any:
        """The body of a GET that must succeed."""
        return _accepted(await self._http.get(path))

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """The body of a POST that must succeed."""
        return _accepted(await self._http.post(path, json=body))


def _accepted(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json()
    try:
        body = answer.json()
        text = " ".join(str(body[key]) for key in ("message", "hint") if body.get(key))
    except (ValueError, KeyError):
        text = answer.text[:200]
    request = answer.request
    raise RefusedError(f"{request.method} {request.url.path} answered {answer.status_code}: {text}")
