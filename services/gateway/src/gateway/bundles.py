"""Repro bundles, which the publisher makes of its journal and its calls: handed on as they are."""

from typing import Final
from uuid import UUID

import httpx

from chassis.errors import NotFound, Unavailable
from chassis.service_tokens import TokenSigner
from chassis.telemetry import get_logger

PUBLISHER: Final = "ads-publisher"
OK: Final = 200
NOT_FOUND: Final = 404
RETRY_SECONDS: Final = 5.0

_log = get_logger(__name__)


class NoBundle(NotFound):
    """The publisher knows no run of this customer by this id."""

    def __init__(self) -> None:
        super().__init__("There is no bundle of this run", hint="A run has one once it was taken up.")


class Bundles:
    """A client of the publisher's one internal route."""

    def __init__(self, *, client: httpx.AsyncClient, signer: TokenSigner) -> None:
        self._client = client
        self._signer = signer

    async def of_run(self, customer_id: UUID, run_id: UUID) -> bytes:
        """The bundle of a customer's run: JSON, without any secret.

        Raises:
            NoBundle: there is none.
            Unavailable: no publisher answers.
        """
        token = self._signer.token(audience=PUBLISHER, customer_id=customer_id, purpose="bundle")
        try:
            response = await self._client.get(
                f"/internal/runs/{run_id}/bundle", headers={"authorization": f"Bearer {token}"}
            )
        except httpx.HTTPError as exc:
            _log.warning("publisher_unreachable", error=type(exc).__name__)
            raise no_publisher() from exc
        if response.status_code == NOT_FOUND:
            raise NoBundle
        if response.status_code != OK:
            _log.error("publisher_refused_us", status=response.status_code)
            raise no_publisher()
        return response.content


def no_publisher() -> Unavailable:
    return Unavailable(
        "The publisher does not answer", hint="Try again in a moment.", retry_after_seconds=RETRY_SECONDS
    )
