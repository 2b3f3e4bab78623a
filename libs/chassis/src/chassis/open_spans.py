"""The spans that a process has in hand, where a kill does not reach them.

A span is told to a collector when it has ended. When a process is killed, the spans in hand are never told,
but what happened below them was: in the process itself, and in others that it called or sent something. They
would hang in the air. So each open span is noted in a file that is mapped into memory, which costs no system
call and which the kernel keeps when the process dies. The next process of the service with the same folder
finds files that nobody holds locked any more, and ends the spans in them: with an error, at the last moment
when their process was seen to work.
"""

import fcntl
import json
import mmap
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

SLOT_BYTES: Final = 768
"""A span with more attributes is noted without them."""
SLOTS: Final = 2048
"""With more spans in hand, the newest are not noted."""
HEADER_BYTES: Final = 8
"""The last moment of work, in nanoseconds."""
_LENGTH: Final = 2
_FREE: Final = 0
_OPEN: Final = 1
_TOLD: Final = 2
KILLED: Final = "The process ended before this span did"


@dataclass(frozen=True, kw_only=True)
class LostSpan:
    """A span that a dead process left; `told` when it had ended and only the collector lacks it."""

    span: ReadableSpan
    told: bool


class OpenSpans:
    """This process' file. Only spans that are sampled belong in it."""

    def __init__(self, folder: Path, service: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{service}.{os.getpid()}-{secrets.token_hex(3)}.open"
        unlocked = self._path.with_suffix(".new")
        with unlocked.open("x+b") as file:
            file.truncate(HEADER_BYTES + SLOTS * SLOT_BYTES)
            self._map = mmap.mmap(file.fileno(), 0)
            # The mapping holds no lock. This descriptor is there only to hold it, until the process ends.
            self._lock = os.dup(file.fileno())
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Only now: whoever finds it unlocked takes it for a dead process' file.
        unlocked.rename(self._path)
        self._free = list(range(SLOTS - 1, -1, -1))
        self._slots: dict[int, int] = {}

    def opened(self, span: Span) -> None:
        """Note a span that has just begun."""
        context = span.get_span_context()
        if not self._free:
            return
        facts: dict[str, Any] = {
            "t": format(context.trace_id, "x"),
            "s": format(context.span_id, "x"),
            "p": format(span.parent.span_id, "x") if span.parent else None,
            "n": span.name,
            "k": span.kind.value,
            "at": span.start_time,
        }
        room = SLOT_BYTES - 1 - _LENGTH
        body = json.dumps({**facts, "a": dict(span.attributes or {})}, default=str).encode()
        if len(body) > room:
            body = json.dumps({**facts, "n": span.name[:100], "a": {}}).encode()
        slot = self._free.pop()
        self._slots[context.span_id] = slot
        start = HEADER_BYTES + slot * SLOT_BYTES
        self._map[start + 1 : start + 1 + _LENGTH + len(body)] = len(body).to_bytes(_LENGTH, "little") + body
        # Last, so that a slot is whole or free.
        self._map[start] = _OPEN
        self._touch()

    def told(self, span_id: int) -> None:
        """It has ended and is in the local file; the collector has not got it yet."""
        slot = self._slots.get(span_id)
        if slot is not None:
            self._map[HEADER_BYTES + slot * SLOT_BYTES] = _TOLD
            self._touch()

    def forget(self, span_id: int) -> None:
        """It has ended and was told to everyone."""
        slot = self._slots.pop(span_id, None)
        if slot is not None:
            self._map[HEADER_BYTES + slot * SLOT_BYTES] = _FREE
            self._free.append(slot)
            self._touch()

    def close(self) -> None:
        """The process ends in good order; what is still open in it is nobody's any more."""
        self._path.unlink(missing_ok=True)
        os.close(self._lock)

    def _touch(self) -> None:
        self._map[:HEADER_BYTES] = time.time_ns().to_bytes(HEADER_BYTES, "little")


def lost_spans(
    folder: Path, service: str, *, resource: Resource, scope: InstrumentationScope
) -> Iterator[LostSpan]:
    """What dead processes of this service left; their files are removed as they are read."""
    for path in sorted(folder.glob(f"{service}.*.open")):
        with _abandoned(path) as content:
            if len(content) < HEADER_BYTES:
                continue
            last_ns = int.from_bytes(content[:HEADER_BYTES], "little")
            for start in range(HEADER_BYTES, len(content), SLOT_BYTES):
                if content[start] != _FREE:
                    span = _read(content, start, last_ns=last_ns, resource=resource, scope=scope)
                    yield LostSpan(span=span, told=content[start] == _TOLD)


@contextmanager
def _abandoned(path: Path) -> Iterator[bytes]:
    """The content of a file that no process holds; empty when one does."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield b""
            return
        yield file.read()
        path.unlink(missing_ok=True)
        return
    yield b""


def _read(
    content: bytes, start: int, *, last_ns: int, resource: Resource, scope: InstrumentationScope
) -> ReadableSpan:
    begin = start + 1 + _LENGTH
    length = int.from_bytes(content[start + 1 : begin], "little")
    facts = json.loads(content[begin : begin + length])

    def context(span_id: str) -> SpanContext:
        flags = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(int(facts["t"], 16), int(span_id, 16), is_remote=False, trace_flags=flags)

    return ReadableSpan(
        name=facts["n"],
        context=context(facts["s"]),
        parent=context(facts["p"]) if facts["p"] else None,
        kind=SpanKind(facts["k"]),
        attributes={**facts["a"], "error.type": "killed"},
        status=Status(StatusCode.ERROR, KILLED),
        start_time=facts["at"],
        end_time=max(last_ns, facts["at"]),
        resource=resource,
        instrumentation_scope=scope,
    )
