"""Customers who press Publish, press again when nobody answers, and write down what they were told."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

import httpx
from e2e_driver import FINAL, Advertiser

from crash_lab.checker import Told
from crash_lab.lab import SHARED_ACCOUNTS, account_id
from local_stack.customer import RefusedError

ACCEPT_SECONDS = 60.0
POLL_SECONDS = 0.3
AT_ONCE = 5
"""Presses of one batch. More would queue behind each other's deaths, and their times would say nothing."""
SIGN_UPS_AT_ONCE = 3
"""Hashing passwords is slow on purpose; the gateway turns away what would wait too long."""


@dataclass(kw_only=True)
class Press:
    """One press of Publish and what came of it; times are monotonic seconds."""

    customer: Advertiser
    account: str
    run_id: str = ""
    accepted_at: float = 0.0
    final_at: float | None = None
    last_death_at: float | None = None
    told: Told | None = None
    tries: int = 0

    @property
    def recovered_in(self) -> float | None:
        """Seconds from the last death that this run met to its final answer."""
        if self.final_at is None or self.last_death_at is None:
            return None
        return max(0.0, self.final_at - self.last_death_at)


class Door(Protocol):
    """A running system, as far as customers see it."""

    gateway_url: str


class Fleet:
    """Customers with a login at Meta; each batch gives each of them an ad account new to them."""

    def __init__(self, lab: Door, size: int) -> None:
        self._lab = lab
        self._size = size
        self._stride = SHARED_ACCOUNTS // AT_ONCE
        self._batch = 0
        self.customers: list[Advertiser] = []

    async def gather(self) -> None:
        """Sign everyone up and connect them."""
        self.customers = [Advertiser(self._lab.gateway_url) for _ in range(self._size)]
        few = asyncio.Semaphore(SIGN_UPS_AT_ONCE)
        await asyncio.gather(*(_prepare(customer, few) for customer in self.customers))

    async def leave(self) -> None:
        for customer in self.customers:
            await customer.__aexit__(None, None, None)

    async def next_batch(self) -> list[Press]:
        """A few presses by different customers, each in an account new to the customer."""
        groups = max(1, self._size // AT_ONCE)
        turn, group = divmod(self._batch, groups)
        if turn >= SHARED_ACCOUNTS:
            raise RuntimeError("every customer has published to every account")
        self._batch += 1
        first = group * AT_ONCE
        members = range(first, min(first + AT_ONCE, self._size))
        return list(await asyncio.gather(*(self.press(index, turn) for index in members)))

    async def press(self, index: int, turn: int) -> Press:
        """The press of one customer in its n-th account; the account is selected."""
        customer, account = self.customers[index], account_id(index * self._stride + turn)
        await until_it_works(lambda: customer.select(account))
        return Press(customer=customer, account=account)


async def _prepare(customer: Advertiser, few: asyncio.Semaphore) -> None:
    async with few:
        await customer.sign_up()
        await customer.connect(persona="ben")
        await customer.save()


async def until_it_works(act: Callable[[], Awaitable[None]]) -> None:
    """Repeat what may be repeated while services come and go.

    Raises:
        RefusedError: the last refusal, when it goes on for too long.
    """
    deadline = time.monotonic() + ACCEPT_SECONDS
    while True:
        try:
            await act()
        except (httpx.TransportError, RefusedError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            return


async def accept(press: Press) -> None:
    """Press Publish until it is accepted, with one idempotency key, as a browser that retries would."""
    headers = {"idempotency-key": str(uuid4())}
    deadline = time.monotonic() + ACCEPT_SECONDS
    while not press.run_id:
        press.tries += 1
        try:
            answer = await press.customer.request("POST", "/ads/publish", json={}, headers=headers)
            if answer.is_success:
                press.run_id = answer.json()["runId"]
                break
            assert answer.is_server_error, answer.text
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "the publish was never accepted"
        await asyncio.sleep(0.1)
    press.accepted_at = time.monotonic()
    press.told = Told(run_id=press.run_id, customer_id=press.customer.customer_id, account=press.account)


async def follow(press: Press, *, until: float) -> None:
    """Ask until the run is final or the time (monotonic) is over."""
    while time.monotonic() < until:
        try:
            answer = await press.customer.request("GET", f"/ads/runs/{press.run_id}")
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.is_success and (run := answer.json())["status"] in FINAL:
            press.final_at = time.monotonic()
            press.told = Told(
                run_id=press.run_id,
                customer_id=press.customer.customer_id,
                account=press.account,
                status=run["status"],
                campaign_id=run["campaignId"],
                adset_id=run["adsetId"],
                error=run["errorMessage"],
            )
            return
        await asyncio.sleep(POLL_SECONDS)
