"""The publisher's calls to meta-auth: ask for what it may do for a customer, report a dead token."""

from collections.abc import Callable
from uuid import UUID

import httpx
from pydantic import ValidationError

from chassis.errors import Unavailable
from chassis.service_tokens import TokenSigner
from contracts.internal import Grant, GrantRequest, TokenTrouble
from contracts.wire import WireModel

AUDIENCE = "meta-auth"


class Grants:
    """Client of meta-auth's internal API.

    A connection is used by one call at a time and then by the next: httpx's shared pool looks through all of
    its connections for each call, which costs more than the call when a hundred runs are at work.
    """

    def __init__(self, *, new_client: Callable[[], httpx.AsyncClient], signer: TokenSigner) -> None:
        self._new_client = new_client
        self._idle: list[httpx.AsyncClient] = []
        self._signer = signer

    async def close(self) -> None:
        for client in self._idle:
            await client.aclose()

    async def grant(self, customer_id: UUID, run_id: UUID) -> Grant:
        """What may be done for this customer now; the token in it lives in memory only.

        Raises:
            Unavailable: meta-auth does not answer.
        """
        answer = await self._post(customer_id, "grant", GrantRequest(run_id=run_id))
        try:
            return Grant.model_validate_json(answer)
        except ValidationError:
            # The cause is dropped: it would repeat the body, which holds the token.
            raise Unavailable("meta-auth gave an answer that cannot be read") from None

    async def report_trouble(self, customer_id: UUID, trouble: TokenTrouble) -> None:
        """Tell meta-auth that Meta refused the token.

        Raises:
            Unavailable: meta-auth does not answer.
        """
        await self._post(customer_id, "token-trouble", trouble)

    async def _post(self, customer_id: UUID, action: str, body: WireModel) -> bytes:
        token = self._signer.token(audience=AUDIENCE, customer_id=customer_id, purpose=action)
        client = self._idle.pop() if self._idle else self._new_client()
        try:
            response = await client.post(
                f"/internal/connections/{customer_id}/{action}",
                content=body.to_json(),
                headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
            )
        except httpx.HTTPError as exc:
            raise Unavailable("meta-auth does not answer") from exc
        finally:
            self._idle.append(client)
        if not response.is_success:
            raise Unavailable(f"meta-auth answered {response.status_code}")
        return response.content
