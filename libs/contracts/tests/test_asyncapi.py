"""The AsyncAPI document tells of every event, and of nothing that is not there."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest

from contracts.asyncapi import STREAMS, document
from contracts.events import AnyEvent


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


def references(value: Any) -> Iterator[str]:
    """Every `$ref` at every depth."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                yield item
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolved(described: dict[str, Any], reference: str) -> Any:
    value: Any = described
    for part in reference.removeprefix("#/").split("/"):
        value = value[part]
    return value


def test_every_event_is_on_exactly_one_stream(described: dict[str, Any]) -> None:
    names = [name for channel in described["channels"].values() for name in channel["messages"]]
    assert sorted(names) == sorted(event.__name__ for event in get_args(AnyEvent))


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    found = list(references(described))
    assert len(found) > 30
    for reference in found:
        assert resolved(described, reference)


def test_every_stream_has_one_sender_and_at_least_one_receiver(described: dict[str, Any]) -> None:
    for stream in STREAMS:
        actions = [
            operation["action"]
            for operation in described["operations"].values()
            if operation["channel"]["$ref"] == f"#/channels/{stream.name}"
        ]
        assert actions.count("send") == 1
        assert "receive" in actions


def test_what_is_sent_fits_the_schema_of_its_message(
    described: dict[str, Any], samples_by_name: Mapping[str, str]
) -> None:
    messages = {message["name"]: message for message in described["components"]["messages"].values()}
    for name, sample in samples_by_name.items():
        if not name.endswith(".v1"):
            continue
        sent = json.loads(sample)
        envelope = resolved(described, messages[sent["type"]]["payload"]["$ref"])
        body = resolved(described, envelope["properties"]["data"]["$ref"])
        for value, schema in ((sent, envelope), (sent["data"], body)):
            assert set(schema["required"]) <= set(value) <= set(schema["properties"])
        assert envelope["properties"]["type"]["const"] == sent["type"]
        assert envelope["properties"]["dataschema"]["const"] == sent["dataschema"]


def test_the_document_is_plain_json_and_the_same_each_time(described: dict[str, Any]) -> None:
    assert json.loads(json.dumps(described)) == described == document()
