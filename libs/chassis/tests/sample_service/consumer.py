"""`python -m sample_service.consumer REDIS_URL`: a consumer that takes entries and never finishes one."""

import asyncio
import sys

from redis.asyncio import Redis

from chassis.streams import Consumers
from contracts.events import AdsCommand
from sample_service.events import GROUP, STREAM


async def hang(event: AdsCommand) -> None:
    await asyncio.Event().wait()


async def main(redis_url: str) -> None:
    async with Redis.from_url(redis_url, socket_timeout=5) as redis:
        consumers = Consumers(redis_url=redis_url, redis=redis, group=GROUP)
        consumers.subscribe(STREAM, AdsCommand, hang)
        await consumers.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
