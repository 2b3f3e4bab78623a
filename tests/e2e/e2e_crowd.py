"""Customers of the crash lab, on any system: they publish in parallel, and three ledgers are compared."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx
from crash_lab.checker import Books, Told, Verdict, check
from crash_lab.clients import Fleet, Press, accept, follow, until_it_works
from crash_lab.lab import SHARED_ACCOUNTS, account_id
from crash_lab.ledgers import read_books
from e2e_driver import FINAL, Advertiser
from e2e_system import System, database_url

CUSTOMERS = 10
FINAL_SECONDS = 120.0
POLL_SECONDS = 0.3


class Crowd:
    """Ten customers; each publish of one goes to an ad account that is new to them."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._fleet = Fleet(system, CUSTOMERS)
        self._turns = [itertools.count() for _ in range(CUSTOMERS)]

    async def __aenter__(self) -> Self:
        await self._fleet.gather()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._fleet.leave()

    async def publish(self, runs: int, *, accepted: Callable[[int], Awaitable[None]]) -> list[Press]:
        """Let so many runs be accepted and followed to their end, those of one customer one after another.

        `accepted` is told the number of each; it is awaited beside the runs, and before this returns.
        """
        presses: list[Press] = []
        asides: list[asyncio.Task[None]] = []

        async def one(index: int) -> None:
            for _ in range(runs // CUSTOMERS):
                customer, account = self.customers[index], self.next_account(index)
                await until_it_works(lambda it=customer, at=account: it.select(at))
                press = Press(customer=customer, account=account)
                await accept(press)
                presses.append(press)
                asides.append(asyncio.create_task(_plain(accepted(len(presses)))))
                await follow(press, until=time.monotonic() + FINAL_SECONDS)

        await asyncio.gather(*(one(index) for index in range(CUSTOMERS)))
        await asyncio.gather(*asides)
        return presses

    async def ledger(self) -> "Ledger":
        """What stands at Meta now, to leave it out later."""
        books = await self._read([])
        return Ledger(self._read, {each.object_id for each in (*books.objects, *books.changes)})

    def load(self) -> "Load":
        """Requests that do not stop."""
        return Load(self)

    @property
    def customers(self) -> list[Advertiser]:
        return self._fleet.customers

    def next_account(self, index: int) -> str:
        """An ad account in which this customer has not published yet."""
        turn = next(self._turns[index])
        assert turn < SHARED_ACCOUNTS, "every ad account is used up; the ledger could not tell runs apart"
        return account_id(index * (SHARED_ACCOUNTS // CUSTOMERS) + turn)

    async def _read(self, told: list[Told]) -> Books:
        return await read_books(
            told, database_url=database_url(self._system), sandbox_url=self._system.sandbox_url
        )


async def _plain(awaitable: Awaitable[None]) -> None:
    await awaitable


@dataclass(frozen=True)
class Ledger:
    """Compares what clients were told, our database and Meta, from one moment on."""

    _read: Callable[[list[Told]], Awaitable[Books]]
    _before: set[str]

    async def verdicts(self, told: list[Told]) -> list[Verdict]:
        """Everything that is not as promised: lost, doubled, not final, failed, or of no run."""
        books = await self._read(told)
        return check(
            replace(
                books,
                objects=[each for each in books.objects if each.object_id not in self._before],
                changes=[each for each in books.changes if each.object_id not in self._before],
            )
        )


@dataclass
class Load:
    """Every customer publishes and looks on, again and again; each answer but a success is written down."""

    _crowd: Crowd
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    _ending: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._customer(index)) for index in range(CUSTOMERS)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        await asyncio.gather(*self._tasks)

    async def _customer(self, index: int) -> None:
        customer = self._crowd.customers[index]
        while not self._ending:
            account = self._crowd.next_account(index)
            await self._ask(customer, "POST", "/meta/ad-accounts/select", json={"adAccountId": account})
            headers = {"idempotency-key": str(uuid4())}
            run = await self._ask(customer, "POST", "/ads/publish", json={}, headers=headers)
            if run:
                await self._follow(customer, account, run["runId"])

    async def _follow(self, customer: Advertiser, account: str, run_id: str) -> None:
        deadline = time.monotonic() + FINAL_SECONDS
        run: dict[str, Any] = {}
        while run.get("status") not in FINAL and time.monotonic() < deadline:
            run = await self._ask(customer, "GET", f"/ads/runs/{run_id}") or run
            await self._ask(customer, "GET", "/ads/status")
            await asyncio.sleep(POLL_SECONDS)
        self.told.append(
            Told(
                run_id=run_id,
                customer_id=customer.customer_id,
                account=account,
                status=run.get("status"),
                campaign_id=run.get("campaignId"),
                adset_id=run.get("adsetId"),
                error=run.get("errorMessage"),
            )
        )

    async def _ask(self, customer: Advertiser, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        """The body of a success; a failure is noted and gives an empty one."""
        self.requests += 1
        try:
            answer = await customer.request(method, path, **kwargs)
        except httpx.TransportError as error:
            self.failures.append(f"{method} {path}: {error!r}")
            return {}
        if not answer.is_success:
            self.failures.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
            return {}
        return dict(answer.json())
