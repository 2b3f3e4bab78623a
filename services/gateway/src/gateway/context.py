"""What a route may use. Built once, in `app.py`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from redis.asyncio import Redis

from chassis.database import Pool
from chassis.outbox import Relay
from chassis.streams import Consumers
from gateway.accounts import Accounts
from gateway.connections import Connections
from gateway.overview import StatusPage
from gateway.presence import PresenceReader
from gateway.publishing import Publishing
from gateway.settings import GatewaySettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """The migrations that this code knows. One that it does not know is of a newer release."""

    head: str
    """The migration that this code was written for."""
    earlier: frozenset[str]

    def serves(self, revision: str | None) -> bool:
        """Whether this code can work on a schema at `revision`.

        A release migrates while the processes of the last one still serve, so a newer schema must not turn
        them unready: migrations only add what the last release can ignore.
        """
        return revision is not None and revision not in self.earlier


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    settings: GatewaySettings
    pool: Pool
    redis: Redis
    relay: Relay
    consumers: Consumers
    accounts: Accounts
    connections: Connections
    publishing: Publishing
    presence: PresenceReader
    status_page: StatusPage
    schema: Schema


async def get_context(request: Request) -> Context:
    """Not a plain function: FastAPI would run that in a thread, for each request."""
    context: Context = request.app.state.context
    return context


ContextDep = Annotated[Context, Depends(get_context)]
