"""What the services cost when nothing happens: memory, CPU, and the time until they accept work."""

import asyncio
import time
from typing import Final

import psutil  # type: ignore[import-untyped]  # it ships no types
from draining import cpu
from systems import SERVICES, Bench, until_answers

from local_stack.ports import HOST
from local_stack.services import ADS_PUBLISHER, GATEWAY, META_AUTH
from local_stack.stack import Stack

MEGABYTE: Final = 1e6


def memory(pids: list[int]) -> dict[str, float]:
    """Resident memory of processes and their children, and the proportional set: shared pages by share."""
    firsts = [psutil.Process(pid) for pid in pids]
    every = [process for first in firsts for process in (first, *first.children(recursive=True))]
    infos = [process.memory_full_info() for process in every]
    # Only Linux knows the proportional set.
    return {
        "rss_mb": sum(info.rss for info in infos) / MEGABYTE,
        "pss_mb": sum(getattr(info, "pss", 0) for info in infos) / MEGABYTE,
    }


def memories(bench: Bench, when: str) -> dict[str, dict[str, float]]:
    """The memory of each service, and of each system as a whole."""
    pids = {name: [bench.stack.pid(name)] for name in SERVICES}
    pids |= {system.name: system.pids() for system in bench.systems}
    return {
        name: {f"{measure}_{when}": value for measure, value in memory(of_one).items()}
        for name, of_one in pids.items()
    }


async def idle_cpu(bench: Bench, when: str, *, seconds: float) -> dict[str, dict[str, float]]:
    """Percent of one core that each service uses while nothing happens."""
    before = {name: cpu([bench.stack.pid(name)]) for name in SERVICES}
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    elapsed = time.perf_counter() - began
    return {
        name: {f"idle_cpu_percent_{when}": 100 * (cpu([bench.stack.pid(name)]) - used) / elapsed}
        for name, used in before.items()
    }


async def start_up(stack: Stack) -> dict[str, dict[str, float]]:
    """Seconds from the start of a process until `/health/ready` answers 200; each service is restarted."""
    ports = {
        GATEWAY: stack.ports.gateway,
        META_AUTH: stack.ports.meta_auth,
        ADS_PUBLISHER: stack.ports.ads_publisher,
    }
    found = {}
    for name, port in ports.items():
        await stack.stop(name)
        began = time.perf_counter()
        starting = asyncio.create_task(stack.start(name))
        await until_answers(f"http://{HOST}:{port}/health/ready")
        found[name] = {"start_up_seconds": time.perf_counter() - began}
        await starting
    return found
