"""The API documentation: complete, valid, and not shown in production."""

import re
from typing import Any

import httpx
import pytest_asyncio
from gateway_harness import StartGateway

FROM_META = {"POST /meta/deauthorize", "POST /meta/data-deletion", "GET /meta/data-deletion/{code}"}
"""Called by Meta, by signature instead of session; and the page that Meta leads a person to."""
GUARDED = {"401", "403", "500", "503"}
PUBLIC = re.compile(r"/signup|/auth/log(in|out)$|/auth/password-reset")


@pytest_asyncio.fixture
async def document(stranger: httpx.AsyncClient) -> dict[str, Any]:
    body: dict[str, Any] = (await stranger.get("/openapi.json")).json()
    return body


def _operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


async def test_it_is_openapi_3_1_with_title_and_description(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Project Auto Ads"
    assert "PAUSED" in document["info"]["description"]


async def test_every_operation_has_a_name_of_its_own_and_documents_its_answers(
    document: dict[str, Any],
) -> None:
    operations = _operations(document)
    assert len({operation["operationId"] for operation in operations.values()}) == len(operations)
    for name, operation in operations.items():
        assert operation["tags"], name
        assert "422" not in operation["responses"], name
        if "/health" in name or "callback" in name:
            continue
        if name in FROM_META:
            assert set(operation["responses"]) >= {"200", "500", "503"}, name
            assert "security" not in operation, name
            continue
        statuses = set(operation["responses"])
        assert statuses >= {"401", "500"} or PUBLIC.search(name), name
        assert any(status.startswith("2") for status in statuses), name
        if operation.get("requestBody"):
            assert statuses >= {"400", "403", "413"}, name
        if "x-customer-id" in str(operation.get("security")) or "/meta/" in name or "/ads/" in name:
            assert statuses >= GUARDED, name


async def test_every_error_is_documented_with_its_body_and_an_example(document: dict[str, Any]) -> None:
    for name, operation in _operations(document).items():
        for status, response in operation["responses"].items():
            if status[0] in "45" and "/health" not in name:
                if (name, status) == ("GET /meta/data-deletion/{code}", "404"):
                    assert response["content"].keys() == {"text/html"}
                    continue
                content = response["content"]["application/json"]
                assert "schema" in content, (name, status)
                assert content["examples"], (name, status)


async def test_every_body_that_is_sent_has_an_example(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, operation in _operations(document).items():
        if "requestBody" not in operation:
            continue
        [media] = operation["requestBody"]["content"].values()
        schema = media["schema"]
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
        assert schema["examples"], name


async def test_every_link_leads_to_an_operation_with_the_parameters_it_fills(
    document: dict[str, Any],
) -> None:
    by_id = {operation["operationId"]: operation for operation in _operations(document).values()}
    links = [
        link
        for operation in by_id.values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) >= 10
    for link in links:
        target = by_id[link["operationId"]]
        assert link["parameters"].keys() <= {each["name"] for each in target.get("parameters", [])}
        assert "requestBody" not in link or "requestBody" in target


async def test_documents_are_there_in_development_and_not_in_production(
    stranger: httpx.AsyncClient, start_gateway: StartGateway
) -> None:
    assert (await stranger.get("/docs")).status_code == 200
    production = start_gateway(ENVIRONMENT="production", RERING_AFTER_SECONDS="600")
    async with production.client() as client:
        for path in ("/docs", "/openapi.json", "/redoc"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
