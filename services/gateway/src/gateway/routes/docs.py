"""`/docs`: the API documentation as a page, outside production."""

from typing import Final

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from gateway.openapi import TITLE, operation_id

CDN: Final = "https://cdn.jsdelivr.net"
POLICY: Final = (
    f"default-src 'none'; script-src {CDN} 'unsafe-inline'; style-src {CDN} 'unsafe-inline';"
    " img-src https://fastapi.tiangolo.com data:; connect-src 'self'; frame-ancestors 'none'"
)
"""FastAPI's page is a script within the page that starts another one from this network."""

router = APIRouter(tags=["docs"], include_in_schema=False, generate_unique_id_function=operation_id)


@router.get("/docs")
async def docs() -> HTMLResponse:
    page = get_swagger_ui_html(openapi_url="/openapi.json", title=TITLE)
    page.headers["content-security-policy"] = POLICY
    return page
