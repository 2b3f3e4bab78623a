"""Where spans go: into a file, past sampling when their run failed, and through a kill."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from chassis.kept_traces import KeptTraces, RecordAll, as_sampled
from chassis.open_spans import KILLED, LostSpan, OpenSpans, lost_spans
from chassis.span_file import SpanFile

RESOURCE = Resource.create({"service.name": "sample"})
SCOPE = InstrumentationScope("sample")
DYING = """
import sys, time
from pathlib import Path
from opentelemetry.sdk.trace import TracerProvider
from chassis.open_spans import OpenSpans

notes = OpenSpans(Path(sys.argv[1]), "sample")
tracer = TracerProvider().get_tracer("sample")
with tracer.start_as_current_span("outer", attributes={"run.id": "r-1"}) as outer:
    notes.opened(outer)
    with tracer.start_as_current_span("ended") as ended:
        notes.opened(ended)
    notes.forget(ended.get_span_context().span_id)
    with tracer.start_as_current_span("told") as told:
        notes.opened(told)
    notes.told(told.get_span_context().span_id)
    with tracer.start_as_current_span("inner") as inner:
        notes.opened(inner)
        print("ready", flush=True)
        time.sleep(60)
"""


def finished(*names: str) -> list[ReadableSpan]:
    """Spans of one trace that have ended, the first one around the others."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("sample")
    first, *others = names
    with tracer.start_as_current_span(
        first, attributes={"text": "å", "number": 7, "flag": True, "part": 0.5}
    ):
        for name in others:
            with tracer.start_as_current_span(name):
                pass
    return list(memory.get_finished_spans())


def lost(folder: Path) -> list[LostSpan]:
    return list(lost_spans(folder, "sample", resource=RESOURCE, scope=SCOPE))


@pytest.fixture
def dead_process(tmp_path: Path) -> Path:
    """The folder of a process that was killed with spans in hand."""
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", DYING, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert lost(tmp_path) == []  # it lives: nobody takes its spans
        process.send_signal(signal.SIGKILL)
    return tmp_path


def test_spans_that_a_killed_process_had_in_hand_are_ended_with_an_error(dead_process: Path) -> None:
    found = {each.span.name: each for each in lost(dead_process)}
    assert found.keys() == {"outer", "told", "inner"}
    assert {name for name, each in found.items() if each.told} == {"told"}
    outer, inner = found["outer"].span, found["inner"].span
    assert inner.parent is not None
    assert inner.parent.span_id == outer.get_span_context().span_id  # type: ignore[union-attr]  # it has one
    assert outer.attributes == {"run.id": "r-1", "error.type": "killed"}
    assert (outer.status.status_code, outer.status.description) == (trace.StatusCode.ERROR, KILLED)
    assert outer.start_time is not None
    assert outer.end_time is not None
    assert outer.start_time <= outer.end_time <= time.time_ns()


def test_what_a_dead_process_left_is_told_once(dead_process: Path) -> None:
    assert lost(dead_process)
    assert lost(dead_process) == []
    assert list(dead_process.iterdir()) == []


def test_more_open_spans_than_there_is_room_for_are_not_noted_and_harm_nothing(tmp_path: Path) -> None:
    notes = OpenSpans(tmp_path, "sample")
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("sample")
    spans = [tracer.start_span(f"span {number}", attributes={"long": "x" * 900}) for number in range(2100)]
    for span in spans:
        notes.opened(span)  # type: ignore[arg-type]  # the SDK's own class
    for span in spans:
        notes.forget(span.get_span_context().span_id)
    [file] = tmp_path.glob("*.open")
    size = file.stat().st_size
    notes.close()
    assert size < 2_000_000
    assert list(tmp_path.iterdir()) == []


def test_a_span_is_written_as_the_collectors_file_exporter_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "sample.jsonl"
    inner, outer = finished("outer", "inner")
    assert SpanFile(path).export([inner, outer]) is SpanExportResult.SUCCESS
    [line] = path.read_text(encoding="utf-8").splitlines()
    [resource] = json.loads(line)["resourceSpans"]
    assert resource["resource"]["attributes"][-1] == {
        "key": "service.name",
        "value": {"stringValue": "sample"},
    }
    first, second = resource["scopeSpans"][0]["spans"]
    context = outer.get_span_context()
    assert context is not None
    assert second["traceId"] == format(context.trace_id, "032x") == first["traceId"]
    assert second["spanId"] == format(context.span_id, "016x") == first["parentSpanId"]
    assert "parentSpanId" not in second
    assert second["startTimeUnixNano"] == str(outer.start_time)
    assert second["attributes"] == [
        {"key": "text", "value": {"stringValue": "å"}},
        {"key": "number", "value": {"intValue": "7"}},
        {"key": "flag", "value": {"boolValue": True}},
        {"key": "part", "value": {"doubleValue": 0.5}},
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_file_is_set_aside_and_an_unwritable_one_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "sample.jsonl"
    file = SpanFile(path, max_bytes=10)
    spans = finished("one")
    for _ in range(3):
        assert file.export(spans) is SpanExportResult.SUCCESS
    assert not path.exists()
    assert path.with_name("sample.jsonl.1").exists()
    path.mkdir()
    assert file.export(spans) is SpanExportResult.FAILURE


def test_spans_that_sampling_leaves_out_are_recorded_and_held_until_their_run_fails() -> None:
    sampler = RecordAll(ALWAYS_OFF)
    assert sampler.should_sample(None, 1, "name").decision is Decision.RECORD_ONLY
    assert RecordAll(ALWAYS_ON).should_sample(None, 1, "name").decision is Decision.RECORD_AND_SAMPLE
    kept = KeptTraces()
    inner, outer = finished("outer", "inner")
    assert kept.hold(1, inner)
    assert list(kept.keep(1)) == [inner]
    assert not kept.hold(1, outer)  # from now on everything of this trace goes out
    assert list(kept.keep(1)) == []
    context = as_sampled(inner).get_span_context()
    assert context is not None
    assert context.trace_flags.sampled


def test_what_is_held_back_is_bounded_in_traces_in_spans_and_in_time() -> None:
    [span] = finished("one")
    few = KeptTraces(max_traces=2, max_spans=3)
    for trace_id in (1, 2, 3):
        for _ in range(5):
            few.hold(trace_id, span)
    assert [len(few.keep(trace_id)) for trace_id in (1, 2, 3)] == [0, 3, 3]
    brief = KeptTraces(hold_seconds=0.0)
    brief.hold(1, span)
    brief.hold(2, span)
    assert [len(brief.keep(trace_id)) for trace_id in (1, 2)] == [0, 1]


def test_a_folder_of_notes_belongs_to_one_service(dead_process: Path) -> None:
    assert list(lost_spans(dead_process, "other", resource=RESOURCE, scope=SCOPE)) == []
    assert list(dead_process.iterdir())
