"""Who may call which internal route, and for which customer."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, cast
from uuid import UUID

import structlog
from fastapi import Depends, Header, Request

from chassis.errors import Forbidden
from chassis.service_tokens import purpose_of
from chassis.telemetry import annotate, customer_hash
from meta_auth.context import Context

GATEWAY: Final = "gateway"
PUBLISHER: Final = "ads-publisher"


async def context_of(request: Request) -> Context:
    """Not a plain function: FastAPI would run that in a thread, for each request."""
    return cast("Context", request.app.state.context)


def _customer_for(caller_name: str) -> Callable[..., Awaitable[UUID]]:
    async def check(
        request: Request,
        customer_id: UUID,
        context: Annotated[Context, Depends(context_of)],
        authorization: Annotated[str, Header()] = "",
    ) -> UUID:
        caller = context.verifier.verify_header(authorization)
        asked = (caller_name, customer_id, purpose_of(request.url.path))
        if (caller.service, caller.customer_id, caller.purpose) != asked:
            raise Forbidden("The service token is not valid for this call")
        _ = structlog.contextvars.bind_contextvars(customer_id=str(customer_id))
        annotate(customer_hash=customer_hash(customer_id))
        return customer_id

    return check


ForGateway = Annotated[UUID, Depends(_customer_for(GATEWAY))]
"""The path's customer, once the gateway has shown that it makes this call on behalf of that customer."""
ForPublisher = Annotated[UUID, Depends(_customer_for(PUBLISHER))]
"""The same for the publisher, the only one that is lent a token."""
