"""Chaos with a seed: services die every few seconds, a third of the creates go wrong, the servers crash too.

The seed decides what is done and in which order; when a process gets there it does not, so a seed repeats the
mix, not every instant.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import RedisError

from crash_lab.checker import Told, Verdict, check
from crash_lab.clients import Fleet, Press, accept, follow
from crash_lab.lab import Lab
from crash_lab.nursery import Nursery
from local_stack.services import ADS_PUBLISHER, GATEWAY, META_AUTH

Tell = Callable[[Press], None]
CUSTOMERS = 20
KILL_EVERY_SECONDS = (1.0, 5.0)
EMPTY_REDIS_EVERY_SECONDS = (8.0, 16.0)
CRASH_POSTGRES_EVERY_SECONDS = (15.0, 25.0)
FAULT_SHARE = 0.3
FINAL_SECONDS = 120.0
"""All runs must be final so long after the last kill and the last fault."""
EXCUSED = "Meta never confirmed"
"""A run whose answers were lost too often says so and ends; that is a final answer, and an honest one."""


def _fault(do: str, at: str) -> Mapping[str, object]:
    return {"do": do, "at": at}


_ENDINGS = ("reset", "close", "error_500", "html", "code_1", "code_2")
MIX: tuple[Mapping[str, object], ...] = (
    *(_fault(do, "after_commit") for do in (*_ENDINGS, "cut_body", "bad_json", "missing_id")),
    *(_fault(do, "before_commit") for do in _ENDINGS),
    {"do": "hang", "at": "after_commit", "seconds": 6},
    {"do": "hang", "at": "before_commit", "seconds": 6},
    {"do": "trickle", "at": "after_commit", "seconds": 1},
    {"do": "delay_arrival", "seconds": 2, "drop": True},
    {"do": "delay_arrival", "seconds": 7, "drop": True},
    {"do": "delay_commit", "seconds": 0.7, "drop": True},
    {"do": "read_lag", "seconds": 0.7},
)
"""Late commits and late reads stay within the settle time of one second: longer ones are the sweeper's."""


@dataclass(kw_only=True)
class Outcome:
    seed: int
    presses: list[Press] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=dict)
    faults: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    seconds: float = 0.0
    last_final_seconds: float = 0.0
    """From the end of all faults to the last final answer."""

    def summary(self) -> str:
        """One line with everything worth keeping."""
        waits = sorted(p.final_at - p.accepted_at for p in self.presses if p.final_at)
        ends = [press.told.status for press in self.presses if press.told]
        spread = (
            f"p50 {waits[len(waits) // 2]:.1f}, p95 {waits[len(waits) * 95 // 100]:.1f}, max {waits[-1]:.1f}"
        )
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        return (
            f"seed {self.seed}: {len(self.presses)} runs ({ends.count('success')} success,"
            f" {ends.count('failed')} failed), {self.faults} Graph faults, {kinds};"
            f" {len(self.verdicts)} verdicts; accept to final {spread} s;"
            f" last final {self.last_final_seconds:.1f} s after the faults; {self.seconds:.0f} s in all"
        )


async def run_chaos(nursery: Nursery, *, runs: int, seed: int, tell: Tell = lambda _: None) -> Outcome:
    """Let so many runs happen in chaos, then in peace, and judge; `tell` hears of each that was followed."""
    outcome = Outcome(seed=seed)
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(Lab(nursery))
        fleet = Fleet(lab, CUSTOMERS)
        stack.push_async_callback(fleet.leave)
        await fleet.gather()
        await lab.add_publisher(2).start()
        await lab.ready(f"{ADS_PUBLISHER}-2")
        await _storm(lab, fleet, outcome, runs=runs, tell=tell)
        peace = time.monotonic()
        await asyncio.gather(
            *(follow(each, until=peace + FINAL_SECONDS) for each in outcome.presses if not each.final_at)
        )
        outcome.last_final_seconds = max(0.0, max(each.final_at or 0.0 for each in outcome.presses) - peace)
        lab.told = [each.told for each in outcome.presses if each.told]
        outcome.verdicts = check(await lab.books(), may_fail=_is_excused)
    outcome.seconds = time.monotonic() - started
    return outcome


def _is_excused(told: Told) -> bool:
    return (told.error or "").startswith(EXCUSED)


async def _storm(lab: Lab, fleet: Fleet, outcome: Outcome, *, runs: int, tell: Tell) -> None:
    """Every customer publishes again and again while the trouble makers are at work."""
    dice = random.Random(outcome.seed)  # noqa: S311 - repeatable on purpose
    makers = [
        asyncio.create_task(_every(random.Random(dice.random()), seconds, deed))  # noqa: S311 - as above
        for seconds, deed in (
            (KILL_EVERY_SECONDS, _Killer(lab, outcome, random.Random(dice.random()))),  # noqa: S311 - as above
            (EMPTY_REDIS_EVERY_SECONDS, _Emptier(lab, outcome)),
            (CRASH_POSTGRES_EVERY_SECONDS, _Crasher(lab, outcome)),
        )
    ]
    try:
        each, rest = divmod(runs, len(fleet.customers))
        shares = [each + (index < rest) for index in range(len(fleet.customers))]
        await asyncio.gather(
            *(
                _customer(lab, fleet, index, share, random.Random(dice.random()), outcome, tell)  # noqa: S311 - as above
                for index, share in enumerate(shares)
            )
        )
    finally:
        for maker in makers:
            maker.cancel()
        failures = await asyncio.gather(*makers, return_exceptions=True)
        await lab.sandbox.clear_faults()
    for failure in failures:
        if isinstance(failure, Exception):
            raise failure


async def _customer(
    lab: Lab, fleet: Fleet, index: int, share: int, dice: random.Random, outcome: Outcome, tell: Tell
) -> None:
    for turn in range(share):
        press = await fleet.press(index, turn)
        for step in ("campaign", "adset"):
            if dice.random() < FAULT_SHARE:
                match = {"step": step, "account": press.account, "attempt": 1}
                await lab.sandbox.arm_raw(match=match, **dice.choice(MIX))
                outcome.faults += 1
        outcome.presses.append(press)
        await accept(press)
        await follow(press, until=time.monotonic() + FINAL_SECONDS)
        tell(press)


async def _every(
    dice: random.Random, seconds: tuple[float, float], deed: Callable[[], Awaitable[None]]
) -> None:
    while True:
        await asyncio.sleep(dice.uniform(*seconds))
        await deed()


@dataclass
class _Killer:
    """Kills one of our processes; the sandbox is not ours to kill."""

    lab: Lab
    outcome: Outcome
    dice: random.Random

    async def __call__(self) -> None:
        name = self.dice.choice([GATEWAY, META_AUTH, ADS_PUBLISHER, f"{ADS_PUBLISHER}-2"])
        self.lab.process(name).kill()
        _count(self.outcome, f"kill {name}")


@dataclass
class _Emptier:
    lab: Lab
    outcome: Outcome

    async def __call__(self) -> None:
        with suppress(RedisError):
            async with Redis.from_url(self.lab.valkey.url) as redis:
                await redis.flushall()
            _count(self.outcome, "flushall")


@dataclass
class _Crasher:
    lab: Lab
    outcome: Outcome

    async def __call__(self) -> None:
        await self.lab.crash_postgres()
        _count(self.outcome, "postgres crash")


def _count(outcome: Outcome, what: str) -> None:
    outcome.kills[what] = outcome.kills.get(what, 0) + 1
