"""`make trace`: what the services wrote becomes a tree, as text and as a picture."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, Tracer
from typer.testing import CliRunner

from local_stack.cli import app
from local_stack.traces import newest_run, read_spans

RUN = "f6560dac-fc71-4b2b-a5ce-be94c93cf9f3"
OLDER_RUN = "0a000000-fc71-4b2b-a5ce-be94c93cf9f3"
ID_FIELDS = ("traceId", "spanId", "parentSpanId")


class LinesOfBatches(SpanExporter):
    """OTLP/JSON as the collector's file exporter writes it: one batch a line, ids in hex."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        line = json.dumps(_with_hex_ids(MessageToDict(encode_spans(spans))))
        with self._path.open("a") as file:
            file.write(line + "\n")
        return SpanExportResult.SUCCESS


def _with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64decode(item).hex() if key in ID_FIELDS else _with_hex_ids(item)
        for key, item in value.items()
    }


@pytest.fixture
def stack_folder(tmp_path: Path) -> Path:
    """The folder of a stack that has written the spans of two runs."""
    (tmp_path / "traces").mkdir()
    with _tracing(tmp_path, "gateway") as gateway, _tracing(tmp_path, "ads-publisher") as publisher:
        with publisher.start_as_current_span("process publish", attributes={"run.id": OLDER_RUN}):
            pass
        written = tmp_path / "traces" / "ads-publisher.jsonl"
        written.rename(f"{written}.1")  # a full file is set aside
        _write_run(gateway, publisher)
    with (tmp_path / "traces" / "gateway.jsonl").open("a") as file:
        file.write('{"resourceSpans":[{"resource"')  # being written now
    return tmp_path


class _tracing:  # noqa: N801 - reads like the function that it is
    def __init__(self, folder: Path, service: str) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": service}))
        exporter = LinesOfBatches(folder / "traces" / f"{service}.jsonl")
        self._provider.add_span_processor(SimpleSpanProcessor(exporter))

    def __enter__(self) -> Tracer:
        return self._provider.get_tracer("test")

    def __exit__(self, *_: object) -> None:
        self._provider.shutdown()


def _write_run(gateway: Tracer, publisher: Tracer) -> None:
    with gateway.start_as_current_span("POST /ads/publish", kind=SpanKind.SERVER) as root:
        with gateway.start_as_current_span("INSERT ad_runs"):
            pass
        first = publisher.start_span("process publish", attributes={"run.id": RUN, "run.fence": 1})
        first.end()
        again = publisher.start_span(
            "process publish", attributes={"run.id": RUN}, links=[Link(first.get_span_context())]
        )
        with trace.use_span(again, end_on_exit=True):
            facts = {
                "run.step": "adset",
                "run.attempt": 2,
                "meta.outcome": "Refused",
                "meta.code": 100,
                "meta.subcode": 1885272,
                "meta.fbtrace_id": "AbCdEf",
                "http.response.status_code": 400,
                "secret.code": "not shown",
            }
            with publisher.start_as_current_span("POST {ad_account}/adsets", attributes=facts) as refused:
                refused.set_status(Status(StatusCode.ERROR, "Budget is too low"))
    sampled = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    ids = {"trace_id": root.get_span_context().trace_id, "span_id": 0xABCDEF}
    lost = trace.NonRecordingSpan(trace.SpanContext(**ids, is_remote=True, trace_flags=sampled))
    publisher.start_span("orphan", context=trace.set_span_in_context(lost)).end()


def run_trace(folder: Path, *arguments: str, exit_code: int = 0) -> str:
    done = CliRunner().invoke(app, ["trace", "--data", str(folder), *arguments])
    assert done.exit_code == exit_code, done.output
    return done.output


def lines_with(text: str, part: str) -> list[str]:
    return [line for line in text.splitlines() if part in line]


@pytest.mark.parametrize("arguments", [(), (RUN,), (RUN[:8],)])
def test_the_trace_of_a_run_is_a_tree_with_what_matters(
    stack_folder: Path, arguments: tuple[str, ...]
) -> None:
    text = run_trace(stack_folder, *arguments)
    assert "6 spans of 2 services" in text
    assert "1 missing parents" in text
    [root] = lines_with(text, "POST /ads/publish")
    assert root.startswith("POST /ads/publish")
    assert "gateway" in root
    [insert] = lines_with(text, "INSERT ad_runs")
    assert insert.startswith(" ├─ INSERT")
    first, again = lines_with(text, "process publish")
    assert first.startswith(" ├─ process publish")
    assert "fence 1" in first
    assert again.startswith(" └─ process publish")
    assert "link to process publish" in again
    [refused] = lines_with(text, "POST {ad_account}/adsets")
    assert refused.startswith("    └─ POST")
    for fact in (
        "step adset",
        "attempt 2",
        "outcome Refused",
        "meta code 100",
        "subcode 1885272",
        "http 400",
    ):
        assert fact in refused
    assert "fbtrace_id AbCdEf" in text
    assert "Budget is too low" in text
    assert "not shown" not in text
    [missing] = lines_with(text, "missing)")
    assert missing.startswith("(parent 0000000000abcdef is missing)")
    assert text.splitlines()[-1].startswith(" └─ orphan")


def test_bars_begin_where_their_spans_begin(stack_folder: Path) -> None:
    text = run_trace(stack_folder, RUN)
    root, orphan = lines_with(text, "POST /ads/publish")[0], lines_with(text, "orphan")[0]
    assert root.index("━") < orphan.index("━")
    assert root.count("━") > orphan.count("━") == 1


def test_the_newest_run_is_the_one_that_began_last(stack_folder: Path) -> None:
    assert newest_run(read_spans(stack_folder / "traces")) == RUN
    older = run_trace(stack_folder, OLDER_RUN)
    assert "1 spans of 1 services" in older
    trace_id = older.split()[1].removesuffix(":")
    assert run_trace(stack_folder, trace_id) == older


def test_a_run_without_a_trace_is_said_so(stack_folder: Path, tmp_path: Path) -> None:
    assert run_trace(stack_folder, "unknown", exit_code=1).startswith("No trace of run unknown in ")
    assert run_trace(tmp_path / "empty", exit_code=1).startswith("No trace of any run in ")


def test_a_trace_can_be_a_picture(stack_folder: Path) -> None:
    picture = stack_folder / "images" / "trace.svg"
    assert run_trace(stack_folder, RUN, "--svg", str(picture)) == f"Written to {picture}.\n"
    text = picture.read_text()
    assert text.startswith("<svg")
    for part in ("process&#160;publish", "━", "1885272", f"run&#160;{RUN}"):
        assert part in text
