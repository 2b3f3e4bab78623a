"""The streams as an AsyncAPI 3.0 document, built from the event classes: `python -m contracts.asyncapi`.

Schemas describe what a reader accepts, so fields with a default are optional; the envelope's own attributes
are always written. Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

import inspect
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from contracts.events import (
    CONNECTIONS_STREAM,
    PUBLISH_STREAM,
    RESULTS_STREAM,
    AdsCommand,
    ConnectionChanged,
    Envelope,
    OperatorActed,
    RunEvent,
)

_OPTIONAL: Final = frozenset({"traceparent"})
_SCHEMAS: Final = "#/components/schemas/"
_DESCRIPTION: Final = """\
Services tell each other what happened through Redis streams. An entry has one field, `__data__`, with a
CloudEvents 1.0 envelope in JSON. Entries come at least once and in any order: `id` makes a second delivery
harmless, `data.version` keeps late news from going back. Fields are only added, and a reader ignores what it
does not know. An entry that nobody can read goes to `<stream>.dead`. Nothing carries a token or an e-mail
address."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One stream: who writes it, who reads it (as a consumer group of that name), and what is on it."""

    name: str
    description: str
    sender: str
    receivers: tuple[str, ...]
    events: tuple[type[Envelope], ...]


def _members(union: Any) -> tuple[type[Envelope], ...]:
    return get_args(get_args(union)[0])


STREAMS: Final = (
    Stream(
        name=PUBLISH_STREAM,
        description="Commands from the gateway to the publisher. `subject` is the run id.",
        sender="gateway",
        receivers=("ads-publisher",),
        events=_members(AdsCommand),
    ),
    Stream(
        name=RESULTS_STREAM,
        description="What the publisher reports about a run, and what an operator did to one there.",
        sender="ads-publisher",
        receivers=("gateway",),
        events=(*_members(RunEvent), OperatorActed),
    ),
    Stream(
        name=CONNECTIONS_STREAM,
        description="Changes of a customer's Meta connection. `subject` is the customer id.",
        sender="meta-auth",
        receivers=("gateway", "ads-publisher"),
        events=(ConnectionChanged,),
    ),
)


def document() -> dict[str, Any]:
    """The whole document, as JSON values."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Project Auto Ads: events", "version": "1.0.0", "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {
            "redis": {
                "host": "localhost:6379",
                "protocol": "redis",
                "description": "Redis or Valkey, one instance for all services: `REDIS_URL`.",
            }
        },
        "channels": {stream.name: _channel(stream) for stream in STREAMS},
        "operations": {name: operation for stream in STREAMS for name, operation in _operations(stream)},
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _channel(stream: Stream) -> dict[str, Any]:
    return {
        "address": stream.name,
        "description": stream.description,
        "messages": {
            event.__name__: {"$ref": f"#/components/messages/{event.__name__}"} for event in stream.events
        },
    }


def _operations(stream: Stream) -> list[tuple[str, dict[str, Any]]]:
    channel = f"#/channels/{stream.name}"
    messages = [{"$ref": f"{channel}/messages/{event.__name__}"} for event in stream.events]
    parts = [(stream.sender, "send"), *((receiver, "receive") for receiver in stream.receivers)]
    return [
        (
            f"{service}.{action}.{stream.name}",
            {
                "action": action,
                "title": f"{service}: {action}",
                "channel": {"$ref": channel},
                "messages": messages,
            },
        )
        for service, action in parts
    ]


def _messages() -> dict[str, Any]:
    return {event.__name__: _message(event) for stream in STREAMS for event in stream.events}


def _message(event: type[Envelope]) -> dict[str, Any]:
    fields = event.model_fields
    message = {
        "name": fields["type"].default,
        "title": f"{fields['type'].default}, {fields['dataschema'].default}",
        "contentType": "application/json",
        "payload": {"$ref": _SCHEMAS + event.__name__},
    }
    # A class without a docstring of its own would show that of its base.
    if event.__doc__ and event.__doc__ != Envelope.__doc__:
        message["description"] = inspect.cleandoc(event.__doc__)
    return message


class _WithoutFieldTitles(GenerateJsonSchema):
    """Titles made from names, such as `Adaccountid`, say nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def _schemas() -> Mapping[str, Any]:
    events = [event for stream in STREAMS for event in stream.events]
    _, definitions = models_json_schema(
        [(event, "validation") for event in events],
        ref_template=_SCHEMAS + "{model}",
        schema_generator=_WithoutFieldTitles,
    )
    schemas: dict[str, Any] = definitions["$defs"]
    for event in events:
        schema = schemas[event.__name__]
        schema["required"] = [name for name in schema["properties"] if name not in _OPTIONAL]
    return dict(sorted(schemas.items()))


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
