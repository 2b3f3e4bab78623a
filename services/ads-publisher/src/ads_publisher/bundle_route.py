"""`GET /internal/runs/{run_id}/bundle`: a customer's repro bundle, for the gateway to hand on."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ads_publisher import jobs_store
from ads_publisher.bundle import make_bundle
from ads_publisher.settings import Settings
from chassis.database import Pool, across_customers, transaction
from chassis.errors import AppError, Forbidden, NotFound
from chassis.service_tokens import Caller, TokenVerifier

AUDIENCE = "ads-publisher"
GATEWAY = "gateway"
PURPOSE = "bundle"
NO_BUNDLE = NotFound("There is no bundle of this run")


def bundle_route(settings: Settings) -> Route:
    """The only thing that this process answers besides its health, to the gateway alone."""
    verifier = TokenVerifier(audience=AUDIENCE, public_keys=settings.service_public_keys)

    async def answer(request: Request) -> Response:
        try:
            caller = _caller(verifier, request.headers.get("authorization", ""))
            pool: Pool = request.app.state.worker.pool
            text = await _bundle_of(pool, caller, request.path_params["run_id"], settings)
        except AppError as error:
            return JSONResponse(error.flat_body().model_dump(exclude_none=True), status_code=error.status)
        return Response(text, media_type="application/json", headers={"cache-control": "no-store"})

    return Route("/internal/runs/{run_id:uuid}/bundle", answer)


def _caller(verifier: TokenVerifier, authorization: str) -> Caller:
    caller = verifier.verify_header(authorization)
    if (caller.service, caller.purpose) != (GATEWAY, PURPOSE):
        raise Forbidden("The service token is not valid for this call")
    return caller


async def _bundle_of(pool: Pool, caller: Caller, run_id: UUID, settings: Settings) -> str:
    async with transaction(pool, customer=caller.customer_id) as acquired:
        own = await jobs_store.find_job(acquired, run_id)
    # Another customer's run and no run at all are told apart by nobody.
    if own is None or own.run_id != run_id:
        raise NO_BUNDLE
    # Some of its facts are in events, which no customer's transaction sees.
    async with across_customers(pool) as acquired:
        job = await jobs_store.find_job(acquired, run_id)
        if job is None or job.customer_id != caller.customer_id:
            raise NO_BUNDLE
        return await make_bundle(acquired, job, settings)
