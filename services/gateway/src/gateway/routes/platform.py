"""What Meta itself calls: somebody removed the app, or wants their data deleted; and the page about that.

Public: a signature made with the app's secret says that it is Meta, and meta-auth checks it.
Source: https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback/
"""

import re
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from chassis.errors import PayloadTooLarge, ValidationFailed
from contracts.internal import DeletionState
from contracts.wire import iso_utc
from gateway.context import ContextDep
from gateway.openapi import UNAVAILABLE, flat, meta_callback, nested, operation_id

MAX_BYTES: Final = 8192
"""Meta's requests have a few hundred."""
FORM_PATHS: Final = frozenset({"/meta/deauthorize", "/meta/data-deletion"})
_CODE: Final = re.compile(r"[0-9a-f]{32}")
PAGE_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["signed_request"],
                    "properties": {"signed_request": {"type": "string", "maxLength": MAX_BYTES}},
                    "examples": [{"signed_request": "c2ln.cGF5bG9hZA"}],
                }
            }
        },
    }
}
NOT_SIGNED: Final = ValidationFailed("The signed_request is not valid")

router = APIRouter(prefix="/meta", tags=["meta"], generate_unique_id_function=operation_id)


class Heard(BaseModel):
    """The same for a person who is known here and for one who is not."""

    success: bool = True

    model_config = ConfigDict(json_schema_extra={"examples": [{"success": True}]})


class DeletionAnswer(BaseModel):
    """Meta shows both to the person; spelt as Meta reads them."""

    url: str
    confirmation_code: str

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": "https://api.example.com/meta/data-deletion/0123456789abcdef0123456789abcdef",
                    "confirmation_code": "0123456789abcdef0123456789abcdef",
                }
            ]
        }
    )


@router.post(
    "/deauthorize",
    responses=meta_callback(NOT_SIGNED),
    openapi_extra=_FORM,
    summary="Meta: somebody removed the app",
)
async def deauthorize(request: Request, context: ContextDep) -> Heard:
    await context.connections.deauthorize(await _signed_request(request))
    return Heard()


@router.post(
    "/data-deletion",
    responses=meta_callback(NOT_SIGNED),
    openapi_extra=_FORM,
    summary="Meta: somebody wants their data deleted",
)
async def data_deletion(request: Request, context: ContextDep) -> DeletionAnswer:
    code = await context.connections.request_deletion(await _signed_request(request))
    return DeletionAnswer(
        url=f"{context.settings.public_address}/meta/data-deletion/{code}", confirmation_code=code
    )


@router.get(
    "/data-deletion/{code}",
    response_model=None,
    responses={
        200: {"description": "A page.", "content": {"text/html": {}}},
        404: {"description": "A page that says so.", "content": {"text/html": {}}},
        **flat(UNAVAILABLE),
        **nested(),
    },
    summary="Where a deletion stands, for a person to read",
)
async def deletion_page(code: str, context: ContextDep) -> HTMLResponse:
    state = await context.connections.deletion_state(code) if _CODE.fullmatch(code) else DeletionState()
    if state.requested_at is None:
        return _page(404, "There is no such request", "Look at the address that Meta gave you again.")
    asked = f"Your request {code} reached us at {iso_utc(state.requested_at)}."
    if state.completed_at is None:
        return _page(200, "Your data are being deleted", f"{asked} Look again in a few minutes.")
    return _page(200, "Your data have been deleted", f"{asked} It was done at {iso_utc(state.completed_at)}.")


async def _signed_request(request: Request) -> str:
    """The one field that counts.

    Raises:
        PayloadTooLarge: more than Meta ever sends.
        ValidationFailed: no form, or not exactly one such field.
    """
    body = await request.body()
    if len(body) > MAX_BYTES:
        raise PayloadTooLarge(f"The body is larger than {MAX_BYTES // 1024} kB")
    try:
        values = parse_qs(body.decode("ascii"), max_num_fields=10).get("signed_request", [])
    except ValueError:
        values = []
    if len(values) != 1:
        raise ValidationFailed("signed_request is required", hint="Send it as a form field.")
    return values[0]


def _page(status: int, title: str, text: str) -> HTMLResponse:
    content = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><h1>{escape(title)}</h1><p>{escape(text)}</p></body></html>"
    )
    return HTMLResponse(content, status_code=status, headers={"content-security-policy": PAGE_POLICY})
