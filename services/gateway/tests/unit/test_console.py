"""The gateway serves the built console: its pages, its files with the right headers, and nothing else."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from gateway.app import create_app
from gateway.console import POLICY
from gateway.settings import GatewaySettings

SCRIPT = "console.log('the console');\n" * 50
PAGE = '<!doctype html><script type="module" src="/console/assets/index-abc123.js"></script>'
YEAR = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build as Vite leaves it, and a neighbour that is nobody's business."""
    parent = tmp_path_factory.mktemp("console")
    (parent / "secret.txt").write_text("not yours")
    folder = parent / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "favicon.svg.br").write_bytes(b"by brotli")
    (folder / "favicon.svg.gz").write_bytes(gzip.compress(b"<svg/>"))
    (folder / "assets" / "index-abc123.js").write_text(SCRIPT)
    (folder / "assets" / "index-abc123.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (folder / "link.txt").symlink_to(parent / "secret.txt")
    return folder


@pytest_asyncio.fixture(scope="module")
async def browser(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(GatewaySettings(console_dir=folder)) as client:
        yield client


def _client(settings: GatewaySettings) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(settings))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:3001")


@pytest.mark.parametrize("path", ["/console/", "/console/login", "/console/ads/diagnostics/8c1f"])
async def test_the_address_of_every_page_answers_with_the_one_html_file(
    browser: httpx.AsyncClient, path: str
) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_address_without_a_slash_leads_to_the_console(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/console")
    assert (answer.status_code, answer.headers["location"]) == (308, "/console/")


async def test_a_file_whose_name_changes_with_its_content_is_kept_for_a_year(
    browser: httpx.AsyncClient,
) -> None:
    answer = await browser.get("/console/assets/index-abc123.js")
    assert answer.text == SCRIPT
    assert answer.headers["cache-control"] == YEAR
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["/console/", "/console/login", "/console/favicon.svg"])
async def test_no_page_may_run_or_be_framed_by_what_is_not_ours(
    browser: httpx.AsyncClient, path: str
) -> None:
    headers = (await browser.get(path)).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_policy_admits_no_script_but_files_of_our_own() -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),  # no .br in this build
        ("gzip;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("gzip; q=0.0, br", None),
        ("x-gzip", None),
        ("identity", None),
        ("", None),
    ],
)
async def test_a_browser_gets_what_the_build_compressed_if_it_can_read_that(
    browser: httpx.AsyncClient, accepted: str, encoding: str | None
) -> None:
    path = "/console/assets/index-abc123.js"
    answer = await browser.get(path, headers={"accept-encoding": accepted})
    assert answer.text == SCRIPT
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "accept-encoding" in answer.headers["vary"]
    assert (int(answer.headers["content-length"]) < len(SCRIPT)) is (encoding is not None)


async def test_brotli_goes_before_gzip(browser: httpx.AsyncClient) -> None:
    answer = await browser.head("/console/favicon.svg", headers={"accept-encoding": "gzip, br"})
    assert answer.headers["content-encoding"] == "br"
    assert answer.headers["content-length"] == str(len(b"by brotli"))


async def test_what_a_browser_has_already_is_not_sent_again(browser: httpx.AsyncClient) -> None:
    first = await browser.get("/console/")
    again = await browser.get("/console/", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"
    # These take the place of the ones that the browser kept: another policy would break the page.
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]


async def test_head_says_the_same_without_a_body(browser: httpx.AsyncClient) -> None:
    answer = await browser.head("/console/login")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(PAGE))


@pytest.mark.parametrize(
    "path",
    [
        "/console/assets/index-old999.js",
        "/console/assets/none",
        "/console/robots.txt",
        "/console/../secret.txt",
        "/console/%2e%2e/secret.txt",
        "/console/..%2fsecret.txt",
        "/console/assets/..%2f..%2f..%2fsecret.txt",
        "/console/%00.js",
        "/console/link.txt",
        f"/console/{'x' * 300}.js",
    ],
)
async def test_what_the_build_does_not_hold_is_not_found(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "NOT_FOUND"
    assert answer.headers["cache-control"] == "no-store"


async def test_the_console_can_only_be_read(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/console/login", json={})
    assert answer.status_code == 405


async def test_the_api_stays_where_it_is(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/health/live")
    assert answer.json() == {"ok": True}
    assert answer.headers["cache-control"] == "no-store"
    assert "/console" not in str((await browser.get("/openapi.json")).json()["paths"])


@pytest.mark.parametrize("path", ["/console", "/console/", "/console/login"])
async def test_without_a_build_there_is_no_console(path: str) -> None:
    async with _client(GatewaySettings()) as client:
        assert (await client.get(path)).status_code == 404


def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="none-here"):
        create_app(GatewaySettings(console_dir=tmp_path / "none-here"))
