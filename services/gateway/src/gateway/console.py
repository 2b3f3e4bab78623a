"""Serves the built files of `frontend/` at `/console`. They are public: what they show comes from the API."""

import os
from collections.abc import Mapping
from http import HTTPStatus
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import NotModifiedResponse, PathLike, StaticFiles
from starlette.types import Scope

PREFIX: Final = "/console"
PAGE: Final = "index.html"
ASSETS: Final = "assets"
"""In this folder the build puts files whose names change with their content."""
ENCODINGS: Final[Mapping[str, str]] = {"br": ".br", "gzip": ".gz"}
"""How the build has compressed its files, best first, and how those names end."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; "
    # Mantine writes the variables of a colour scheme into a style element. A style runs no code.
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ROOT: Final = "."
_OF_ASSET: Final[Mapping[str, str]] = {
    "cache-control": "public, max-age=31536000, immutable",
    "vary": "accept-encoding",
}
_OF_DOCUMENT: Final[Mapping[str, str]] = {
    "cache-control": "no-cache",
    "vary": "accept-encoding",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
}
"""A browser heeds them on what it shows, not on what that loads."""


def console_routes(folder: Path) -> list[BaseRoute]:
    """The routes of the console that was built into this folder.

    Raises:
        RuntimeError: there is no such folder.
    """
    return [
        Route(PREFIX, _to_slash, methods=["GET"], include_in_schema=False),
        Mount(PREFIX, _Files(directory=folder)),
    ]


async def _to_slash(_: Request) -> Response:
    return RedirectResponse(f"{PREFIX}/", status_code=HTTPStatus.PERMANENT_REDIRECT)


class _Files(StaticFiles):
    """Answers the address of each page with the one HTML file, whose script then shows that page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != HTTPStatus.NOT_FOUND or not _may_be_page(path):
                raise
        return await super().get_response(PAGE, scope)

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        path, asked = Path(full_path), Headers(scope=scope)
        headers = dict(_OF_ASSET if path.parent.name == ASSETS else _OF_DOCUMENT)
        sent = path
        for encoding, ending in ENCODINGS.items():
            compressed = path.with_name(path.name + ending)
            if _accepts(asked.get("accept-encoding", ""), encoding) and compressed.is_file():
                sent, headers["content-encoding"] = compressed, encoding
                break
        response = FileResponse(
            sent,
            status_code=status_code,
            headers=headers,
            media_type=guess_type(path)[0],
            stat_result=stat_result if sent is path else sent.stat(),
        )
        if not self.is_not_modified(response.headers, asked):
            return response
        kept = NotModifiedResponse(response.headers)
        # A browser puts the headers of this answer in the place of those that it kept.
        kept.headers.update(_OF_ASSET if path.parent.name == ASSETS else _OF_DOCUMENT)
        return kept


def _may_be_page(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return path == _ROOT or ("." not in name and folder.partition("/")[0] != ASSETS)


def _accepts(header: str, encoding: str) -> bool:
    """Whether `Accept-Encoding` names it, other than to refuse it with a weight of 0."""
    for item in header.lower().split(","):
        name, _, weight = item.replace(" ", "").partition(";q=")
        if name == encoding:
            return weight.strip("0.") != "" or weight == ""
    return False
