"""What a real browser sends and shows, for pages on the API's own site and for pages on another.

To a browser, `localhost` with two ports is one site with two origins; `127.0.0.1` is another site.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import pytest_asyncio
from e2e_browser import launched
from gateway_harness import PASSWORD, Gateway, StartGateway, eventually, new_email
from playwright.async_api import BrowserContext, Page

from chassis.database import Connection

CALL = """async ([url, method, body, headers, mode]) => {
    try {
        const answer = await fetch(url, {method, body, headers, mode, credentials: "include"});
        return [answer.status, await answer.text()];
    } catch (error) { return error.name; }
}"""
FORM = """url => {
    const form = document.createElement("form");
    form.method = "POST"; form.action = url; form.enctype = "text/plain";
    document.body.append(form); form.submit();
}"""
ME, LOGOUT = "/auth/me", "/auth/logout-everywhere"
JSON = {"content-type": "application/json"}
UNREADABLE = "TypeError"
"""What a page gets for an answer that the browser keeps from it."""


class _Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>a page</title>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True, kw_only=True)
class Sites:
    """A gateway, and pages that call it."""

    gateway: Gateway
    listed: str
    unlisted: str
    foreign: str

    @property
    def api(self) -> str:
        return self.gateway.public_url


@pytest.fixture(scope="module")
def sites(start_gateway: StartGateway) -> Iterator[Sites]:
    with ExitStack() as stack:
        ports = []
        for _ in range(2):
            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), _Empty))
            Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            ports.append(server.server_port)
        listed = f"http://localhost:{ports[0]}"
        yield Sites(
            gateway=start_gateway(CORS_ORIGINS=listed),
            listed=listed,
            unlisted=f"http://localhost:{ports[1]}",
            foreign=f"http://127.0.0.1:{ports[1]}",
        )


class Wire:
    """What the browser's network sent and got, also where the page sees none of it."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._requests: dict[str, dict[str, Any]] = {}

    async def listen(self, page: Page) -> None:
        session = await page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", lambda event: self._note(event, **event["request"]))
        session.on(
            "Network.requestWillBeSentExtraInfo", lambda event: self._note(event, sent=event["headers"])
        )
        session.on(
            "Network.responseReceivedExtraInfo", lambda event: self._note(event, status=event["statusCode"])
        )
        await session.send("Network.enable")

    def _note(self, event: dict[str, Any], **facts: Any) -> None:
        self._requests.setdefault(event["requestId"], {}).update(facts)

    async def last(self, method: str, path: str) -> tuple[int, bool]:
        """Status of the newest answer, and whether the session's cookie was sent for it. Forgets them all."""

        async def answered() -> list[dict[str, Any]]:
            # One whose preflight was refused was never sent and has neither.
            wanted = (method, f"{self._api}{path}")
            return [
                each
                for each in self._requests.values()
                if (each.get("method"), each.get("url")) == wanted and {"sent", "status"} <= each.keys()
            ]

        newest = (await eventually(answered, bool))[-1]
        self._requests.clear()
        cookies = [value for name, value in newest["sent"].items() if name.lower() == "cookie"]
        return newest["status"], any("session=" in value for value in cookies)


class Visitor:
    """Somebody who is logged in by the frontend and then visits other pages with the same browser."""

    def __init__(self, page: Page, sites: Sites) -> None:
        self.page = page
        self.sites = sites
        self.wire = Wire(sites.api)

    async def calls(
        self, path: str, body: str | None = None, *, mode: str = "cors", headers: dict[str, str] | None = None
    ) -> Any:
        """What the page that is open gets to see of an answer."""
        method = "GET" if body is None else "POST"
        url = f"{self.sites.api}{path}"
        return await self.page.evaluate(CALL, [url, method, body, headers or {}, mode])

    async def signs_up(self) -> None:
        """By the page of the listed origin."""
        await self.wire.listen(self.page)
        await self.page.goto(self.sites.listed)
        body = f'{{"email": "{new_email()}", "name": "Ada", "password": "{PASSWORD}"}}'
        status, _ = await self.calls("/signup", body, headers=JSON)
        assert status == 201


@pytest_asyncio.fixture(scope="module")
async def context() -> AsyncIterator[BrowserContext]:
    async with launched() as browser:
        opened = await browser.new_context()
        yield opened
        await opened.close()


@pytest_asyncio.fixture
async def visitor(context: BrowserContext, sites: Sites) -> AsyncIterator[Visitor]:
    await context.clear_cookies()
    page = await context.new_page()
    someone = Visitor(page, sites)
    await someone.signs_up()
    yield someone
    await page.close()


@pytest.fixture
def sessions(admin: Connection) -> Any:
    """How many sessions of the newest user are open."""

    async def count() -> Any:
        return await admin.fetchval(
            "SELECT count(*) FROM sessions WHERE revoked_at IS NULL AND user_id ="
            " (SELECT id FROM users ORDER BY created_at DESC LIMIT 1)"
        )

    return count


async def test_a_page_of_a_listed_origin_logs_in_and_reads_answers(visitor: Visitor, sessions: Any) -> None:
    status, text = await visitor.calls(ME)
    assert (status, '"customerId"' in text) == (200, True)
    assert await visitor.wire.last("GET", ME) == (200, True)
    [cookie] = await visitor.page.context.cookies(visitor.sites.api)
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("session", True, "Lax")
    assert await visitor.page.evaluate("document.cookie") == ""
    status, _ = await visitor.calls(LOGOUT, "{}", headers=JSON)
    assert (status, await sessions()) == (200, 0)


async def test_a_page_on_another_site_sends_no_cookie_and_changes_nothing(
    visitor: Visitor, sessions: Any
) -> None:
    await visitor.page.goto(visitor.sites.foreign)
    assert await visitor.calls(ME) == UNREADABLE
    assert await visitor.wire.last("GET", ME) == (401, False)
    assert await visitor.calls(LOGOUT, "{}", headers=JSON) == UNREADABLE
    assert await visitor.calls(LOGOUT, "{}", mode="no-cors") == UNREADABLE
    assert await visitor.wire.last("POST", LOGOUT) == (403, False)
    assert await sessions() == 1


async def test_a_form_on_another_site_sends_no_cookie_but_a_link_does(
    visitor: Visitor, sessions: Any
) -> None:
    """By the link the return from Meta's dialog works; no GET changes anything."""
    await visitor.page.goto(visitor.sites.foreign)
    async with visitor.page.expect_navigation(url=f"{visitor.sites.api}/**"):
        await visitor.page.evaluate(FORM, f"{visitor.sites.api}{LOGOUT}")
    assert await visitor.wire.last("POST", LOGOUT) == (403, False)
    await visitor.page.goto(visitor.sites.foreign)
    async with visitor.page.expect_navigation(url=f"{visitor.sites.api}/**"):
        await visitor.page.evaluate("url => { location.href = url; }", f"{visitor.sites.api}{ME}")
    assert await visitor.wire.last("GET", ME) == (200, True)
    assert await sessions() == 1


async def test_a_page_of_the_same_site_that_is_not_listed_reads_and_changes_nothing(
    visitor: Visitor, sessions: Any
) -> None:
    """The cookie goes with its requests: here it is the list of origins that protects."""
    await visitor.page.goto(visitor.sites.unlisted)
    assert await visitor.calls(ME) == UNREADABLE
    assert await visitor.wire.last("GET", ME) == (200, True)
    assert await visitor.calls(LOGOUT, "{}", headers=JSON) == UNREADABLE
    assert await visitor.calls(LOGOUT, "{}", mode="no-cors") == UNREADABLE
    assert await visitor.wire.last("POST", LOGOUT) == (403, True)
    assert await sessions() == 1


async def test_a_frontend_on_another_site_works_by_a_setting_but_no_link_leads_into_its_session(
    context: BrowserContext, sites: Sites, start_gateway: StartGateway
) -> None:
    """Why Meta cannot be connected from there: the return from its dialog is such a link."""
    gateway = start_gateway(
        CORS_ORIGINS=sites.foreign, SESSION_SAME_SITE="none", PUBLIC_URL="https://api.example.com"
    )
    elsewhere = replace(sites, gateway=gateway, listed=sites.foreign)
    await context.clear_cookies()
    someone = Visitor(await context.new_page(), elsewhere)
    await someone.signs_up()
    assert (await someone.calls(ME))[0] == 200
    assert await someone.wire.last("GET", ME) == (200, True)
    async with someone.page.expect_navigation(url=f"{elsewhere.api}/**"):
        await someone.page.evaluate("url => { location.href = url; }", f"{elsewhere.api}{ME}")
    assert await someone.wire.last("GET", ME) == (401, False)
    await someone.page.close()
