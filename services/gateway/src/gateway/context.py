"""What a route may use. Built once, in `app.py`."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Self

from fastapi import Depends, Request
from redis.asyncio import Redis
from starlette.requests import HTTPConnection

from chassis.database import Pool
from chassis.outbox import Relay
from chassis.streams import Consumers
from gateway.accounts import Accounts
from gateway.bundles import Bundles
from gateway.connections import Connections
from gateway.doorbell import Doorbell
from gateway.overview import StatusPage
from gateway.password_changes import PasswordChanges
from gateway.presence import PresenceReader
from gateway.progress import Places
from gateway.publishing import Publishing
from gateway.settings import GatewaySettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """The migration that this code was written for, and all that it knows."""

    head: str
    known: frozenset[str]

    @classmethod
    def of_this_code(cls) -> Self:
        # From the names of the files: asking Alembic would keep 30 MB of it in this process.
        names = [file.name for file in (files("gateway") / "migrations" / "versions").iterdir()]
        known = frozenset(name.partition("_")[0] for name in names if name[0].isdigit())
        return cls(head=max(known), known=known)

    def is_behind(self, revision: str | None) -> bool:
        """Whether the database lacks something that this code needs.

        A revision that nobody here knows is of newer code: while that rolls out, its schema serves the old
        code too.
        """
        return revision is None or (revision != self.head and revision in self.known)


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    settings: GatewaySettings
    pool: Pool
    redis: Redis
    relay: Relay
    consumers: Consumers
    accounts: Accounts
    password_changes: PasswordChanges
    connections: Connections
    publishing: Publishing
    bundles: Bundles
    presence: PresenceReader
    status_page: StatusPage
    doorbell: Doorbell
    places: Places
    """Of the event streams."""
    schema: Schema


def context_of(request: HTTPConnection) -> Context:
    """For what is handed the request anyway: a dependency less for FastAPI to solve."""
    context: Context = request.app.state.context
    return context


async def get_context(request: Request) -> Context:
    """Not a plain function: FastAPI would run that in a thread, for each request."""
    return context_of(request)


ContextDep = Annotated[Context, Depends(get_context)]
