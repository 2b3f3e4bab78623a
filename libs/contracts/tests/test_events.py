"""Can today's reader read every message that was ever sent, and does it refuse everything else?"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts.events import AdsCommand, AdsPublish, AnyEvent, Envelope, RunEvent, RunFailed, read_event
from contracts.wire import iso_utc

EVENT_CLASSES: tuple[type[Envelope], ...] = get_args(AnyEvent)
CLOUDEVENTS_NAMES = {
    "id",
    "source",
    "specversion",
    "type",
    "dataschema",
    "datacontenttype",
    "time",
    "subject",
    "traceparent",
    "customerid",
    "data",
}
WIRE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
WIRE_NAME = re.compile(r"[a-z]+([A-Z][a-z]+)*")


def keys(value: Any) -> Iterator[str]:
    """Every key at every depth."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys(item)


def changed(sent: Any, written: Any, path: str = "") -> Iterator[str]:
    """Where `written` lacks or alters something of `sent`."""
    if not isinstance(sent, dict) or not isinstance(written, dict):
        if sent != written:
            yield path
        return
    for key, item in sent.items():
        here = f"{path}.{key}".removeprefix(".")
        if key in written:
            yield from changed(item, written[key], here)
        else:
            yield here


def edited(sample: str, **changes: Any) -> str:
    """The sample with top-level attributes replaced; `...` removes one."""
    body = json.loads(sample) | changes
    return json.dumps({key: value for key, value in body.items() if value is not ...})


def test_every_stored_sample_is_read_as_the_type_and_version_it_names(sample: str) -> None:
    sent = json.loads(sample)
    event = read_event(sample)
    assert (event.type, event.dataschema) == (sent["type"], sent["dataschema"])
    assert event.id == UUID(sent["id"])
    assert event.customerid == UUID(sent["customerid"])


def test_reading_and_writing_a_message_of_today_loses_and_alters_nothing(
    samples_by_name: Mapping[str, str],
) -> None:
    for name, sample in samples_by_name.items():
        if name.endswith(".v1"):
            written = json.loads(read_event(sample).to_json())
            assert list(changed(json.loads(sample), written)) == [], name


def test_fields_of_tomorrow_are_ignored_and_everything_else_is_kept(
    samples_by_name: Mapping[str, str],
) -> None:
    sample = samples_by_name["ADS_PUBLISH.v1.from-tomorrow"]
    event = read_event(sample)
    assert isinstance(event, AdsPublish)
    assert event.data.default_monthly_budget == Decimal(3000)
    assert list(changed(json.loads(sample), json.loads(event.to_json()))) == [
        "partitionkey",
        "data.priority",
        "data.settings.ageRange",
    ]


def test_reading_what_was_written_gives_an_equal_event(sample: str) -> None:
    event = read_event(sample)
    assert read_event(event.to_json()) == event
    assert read_event(event.to_json().encode()) == event


def test_every_event_class_has_a_stored_sample(samples_by_name: Mapping[str, str]) -> None:
    for event_class in EVENT_CLASSES:
        schema = event_class.model_fields["dataschema"].default
        version = schema.rsplit(":", 1)[-1]
        sample = samples_by_name[f"{event_class.model_fields['type'].default}.{version}"]
        assert json.loads(sample)["dataschema"] == schema


def test_every_envelope_below_the_base_class_belongs_to_the_events_that_are_read() -> None:
    assert set(Envelope.__subclasses__()) == set(EVENT_CLASSES)
    streams = (*get_args(get_args(AdsCommand)[0]), *get_args(get_args(RunEvent)[0]))
    assert set(streams) < set(EVENT_CLASSES)


def test_the_names_in_the_body_are_camel_case_and_the_envelope_has_those_of_cloudevents(sample: str) -> None:
    written = json.loads(read_event(sample).to_json())
    assert set(written) == CLOUDEVENTS_NAMES
    assert [key for key in keys(written["data"]) if not WIRE_NAME.fullmatch(key)] == []


def test_times_are_written_in_utc_with_milliseconds_and_z(sample: str) -> None:
    assert WIRE_TIME.fullmatch(json.loads(read_event(sample).to_json())["time"])


def test_the_wire_is_compact_json(sample: str) -> None:
    written = read_event(sample).to_json()
    assert written == json.dumps(json.loads(written), separators=(",", ":"), ensure_ascii=False)


def test_a_time_of_another_zone_means_the_same_moment_in_utc(samples_by_name: Mapping[str, str]) -> None:
    event = read_event(edited(samples_by_name["ADS_SYNC.v1"], time="2026-03-04T06:06:07.089999+01:00"))
    assert event.time == datetime(2026, 3, 4, 5, 6, 7, 89_999, tzinfo=UTC)
    assert '"time":"2026-03-04T05:06:07.089Z"' in event.to_json()


@given(
    st.datetimes(
        min_value=datetime(1, 1, 2),  # noqa: DTZ001 - the zone is drawn apart
        max_value=datetime(9999, 12, 30),  # noqa: DTZ001 - the same
    ),
    st.integers(-23 * 60, 23 * 60),
)
def test_every_moment_is_written_with_millisecond_precision(moment: datetime, minutes_east: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes_east)))
    written = iso_utc(aware)
    assert WIRE_TIME.fullmatch(written)
    assert timedelta() <= aware - datetime.fromisoformat(written) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("unknown type", {"type": "ADS_DELETE"}),
        ("type of other case", {"type": "ads_publish"}),
        ("no type", {"type": ...}),
        ("unknown version", {"dataschema": "urn:project-auto:ads-publish:v2"}),
        ("schema of another type", {"dataschema": "urn:project-auto:ads-sync:v1"}),
        ("unknown CloudEvents version", {"specversion": "2.0"}),
        ("no id", {"id": ...}),
        ("id that is none", {"id": "1"}),
        ("no time", {"time": ...}),
        ("time without a zone", {"time": "2026-03-04T05:06:07"}),
        ("time before the first year in UTC", {"time": "0001-01-01T00:00:00+14:00"}),
        ("time after the last year in UTC", {"time": "9999-12-31T23:59:59-14:00"}),
        ("no subject", {"subject": ...}),
        ("no customer", {"customerid": ...}),
        ("no body", {"data": ...}),
        ("body of the wrong kind", {"data": []}),
        ("body without its run", {"data": {}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_understood_is_refused(
    samples_by_name: Mapping[str, str], what: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        read_event(edited(samples_by_name["ADS_PUBLISH.v1"], **changes))


@pytest.mark.parametrize(
    "body",
    ["", "{", "null", "[]", "\x00", '"text"', "NaN", "[" * 5000, b"\xff\xfe"],
    ids=lambda body: repr(body)[:12],
)
def test_what_is_no_json_object_is_refused(body: str | bytes) -> None:
    with pytest.raises(ValidationError):
        read_event(body)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_no_json_at_all_makes_the_reader_fail_in_another_way(value: Any) -> None:
    with pytest.raises(ValidationError):
        read_event(json.dumps({"type": "RUN_FAILED", "time": value, "data": value}))


def test_a_command_reader_refuses_news_and_a_news_reader_refuses_commands(
    samples_by_name: Mapping[str, str],
) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(AdsCommand).validate_json(samples_by_name["RUN_FAILED.v1"])
    with pytest.raises(ValidationError):
        TypeAdapter(RunEvent).validate_json(samples_by_name["ADS_PUBLISH.v1"])


def test_an_event_cannot_be_changed_after_it_was_made(samples_by_name: Mapping[str, str]) -> None:
    event = read_event(samples_by_name["RUN_FAILED.v1"])
    assert isinstance(event, RunFailed)
    with pytest.raises(ValidationError):
        event.data.message = "All is well"  # type: ignore[misc]


def test_versions_of_news_begin_at_one(samples_by_name: Mapping[str, str]) -> None:
    body = json.loads(samples_by_name["RUN_STARTED.v1"])["data"]
    with pytest.raises(ValidationError):
        read_event(edited(samples_by_name["RUN_STARTED.v1"], data=body | {"version": 0}))
