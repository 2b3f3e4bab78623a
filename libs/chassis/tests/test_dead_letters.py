"""What nobody could read is classified, kept whole, shown without its secrets, and put back when asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from click.testing import Result
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from sample_service.events import GROUP, STREAM, new_event
from typer.testing import CliRunner

from chassis.dead_commands import dead_commands
from chassis.dead_letters import PAGE, DeadLetter, DeadLetters, DeadStreams
from chassis.outbox import STREAM_FIELD
from chassis.streams import DEAD_SUFFIX, bury, error_class
from contracts.events import AdsCommand, ConnectionChanged

DEAD = STREAM + DEAD_SUFFIX
OTHER = "sample.other"
TOKEN = "EAAsecretsecretsecretsecret"

Run = Callable[..., Result]


def complaint(body: object, model: Any = AdsCommand) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(model).validate_json(body if isinstance(body, str) else json.dumps(body))
    return caught.value


def event(**changes: object) -> dict[str, Any]:
    return {**json.loads(new_event().to_json()), **changes}


CLASSES = {
    "unreadable_json": ["{", "", "[" * 30_000, None, [1], 7],
    "unknown_type": [{}, event(type="ADS_DELETE"), event(type=None)],
    "unknown_version": [
        event(dataschema="urn:project-auto:ads-sync:v2"),
        event(dataschema="urn:project-auto:ads-publish:v1"),
        event(specversion="2.0"),
    ],
    "invalid_field": [{"type": "ADS_SYNC"}, event(id="1"), event(data=[]), event(data={})],
}


@pytest.mark.parametrize(
    ("expected", "body"), [(expected, body) for expected, bodies in CLASSES.items() for body in bodies]
)
def test_every_kind_of_unreadable_event_has_its_class(expected: str, body: object) -> None:
    assert error_class(complaint(body)) == expected


def test_the_classes_are_the_same_on_a_stream_with_one_type_of_event() -> None:
    assert error_class(complaint(event(), ConnectionChanged)) == "unknown_type"
    assert error_class(complaint("{", ConnectionChanged)) == "unreadable_json"
    assert error_class(complaint({}, ConnectionChanged)) == "invalid_field"


async def bury_one(
    redis: Redis, body: bytes | str = "{", *, stream: str = STREAM, **fields: str
) -> tuple[str, dict[str, str | bytes]]:
    """Bury an entry as a consumer does; returns its id in the dead stream and its fields."""
    original: dict[str, str | bytes] = {STREAM_FIELD: body, **fields}
    entry_id = await redis.xadd(stream, original)  # type: ignore[arg-type]  # a dict is invariant
    await redis.xdel(stream, entry_id)
    entry = {"channel": stream, "message_ids": [entry_id], "data": original}
    await bury(redis, GROUP, entry, complaint("{"))
    [(dead_id, _)] = await redis.xrevrange(stream + DEAD_SUFFIX, count=1)
    return dead_id.decode(), original


async def everything(letters: DeadStreams) -> list[DeadLetter]:
    return [letter async for letter in letters.newest_first()]


async def test_a_long_dead_stream_is_read_whole_with_the_newest_first(redis: Redis) -> None:
    ids = [await redis.xadd(DEAD, {STREAM_FIELD: str(number)}) for number in range(2 * PAGE + 1)]
    found = await everything(DeadStreams(redis, [STREAM]))
    assert [letter.id.encode() for letter in found] == ids[::-1]
    assert found[0].body == str(2 * PAGE)


async def test_a_letter_tells_why_when_and_where_it_came_from(redis: Redis) -> None:
    dead_id, _ = await bury_one(redis, note="by hand")
    [letter] = await DeadStreams(redis, [STREAM]).find(dead_id)
    assert (letter.id, letter.place, letter.error, letter.body) == (dead_id, DEAD, "unreadable_json", "{")
    assert letter.reason.startswith("Invalid JSON")
    assert letter.at.endswith("Z")
    assert letter.facts["group"] == GROUP
    assert letter.facts["source_stream"] == STREAM
    assert letter.facts["note"] == "by hand"


@pytest.mark.parametrize("body", [b'{"a":1}', b"\xff\xfe"], ids=["text", "binary"])
async def test_a_replayed_entry_comes_back_byte_for_byte_and_leaves_the_dead_stream(
    redis: Redis, body: bytes
) -> None:
    dead_id, _ = await bury_one(redis, body, note="by hand")
    letters = DeadStreams(redis, [STREAM])
    [letter] = await letters.find(dead_id)
    assert await letters.replay(letter)
    [(_, fields)] = await redis.xrange(STREAM)
    assert fields == {STREAM_FIELD.encode(): body, b"note": b"by hand"}
    assert not await redis.xlen(DEAD)
    assert not await letters.replay(letter)
    assert await redis.xlen(STREAM) == 1


async def test_a_replay_is_noted_before_it_is_done_and_none_is_done_without(redis: Redis) -> None:
    dead_id, _ = await bury_one(redis)
    noted: list[tuple[str, int]] = []

    async def note(letter: DeadLetter) -> None:
        noted.append((letter.id, await redis.xlen(STREAM)))
        if len(noted) == 1:
            raise ConnectionError

    letters = DeadStreams(redis, [STREAM], note=note)
    [letter] = await letters.find(dead_id)
    with pytest.raises(ConnectionError):
        await letters.replay(letter)
    assert await letters.find(dead_id) == [letter]
    assert await letters.replay(letter)
    assert noted == [(dead_id, 0)] * 2
    assert await redis.xlen(STREAM) == 1


async def test_an_id_that_is_none_finds_nothing(redis: Redis) -> None:
    await bury_one(redis)
    for wrong in ("", "+", "-", "1", "x", "1-1-1", "99999-0"):
        assert await DeadStreams(redis, [STREAM]).find(wrong) == []


@pytest.fixture
def command(redis_url: str) -> Run:
    """Runs `dead ...` for two streams."""

    @asynccontextmanager
    async def places() -> AsyncIterator[Sequence[DeadLetters]]:
        async with Redis.from_url(redis_url, socket_timeout=5) as opened:
            yield (DeadStreams(opened, (STREAM, OTHER)),)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(dead_commands(places), arguments, catch_exceptions=False)

    return run


@pytest_asyncio.fixture
async def buried(redis: Redis) -> list[str]:
    """Two letters of one stream and one of another, the oldest first, no two with the same id."""
    ids = []
    for number, stream in enumerate((STREAM, STREAM, OTHER)):
        ids.append((await bury_one(redis, stream=stream, number=str(number)))[0])
        # Ids are unique within a stream only: the next one shall be of a later millisecond.
        while (now := await redis.time())[0] * 1000 + now[1] // 1000 <= int(ids[-1].split("-")[0]):
            pass
    return ids


def test_list_prints_one_line_for_each_letter(command: Run, buried: list[str]) -> None:
    result = command("list")
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [line[0] for line in lines] == [buried[1], buried[0], buried[2]]
    assert lines[0][1:3] == [DEAD, "unreadable_json"]


def test_list_says_when_there_are_more(command: Run, buried: list[str]) -> None:
    result = command("list", "--limit", "2")
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == [buried[1], buried[0]]
    assert "There are more than these 2" in result.stderr


def test_list_can_be_narrowed_to_a_class_of_error(command: Run, buried: list[str]) -> None:
    assert len(command("list", "--error", "unreadable_json").stdout.splitlines()) == 3
    nothing = command("list", "--error", "unknown_version")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "No dead letters.\n")


async def test_show_prints_the_body_readably_and_without_credentials(redis: Redis, command: Run) -> None:
    body = json.dumps({"access_token": TOKEN, "note": f"token {TOKEN}", "name": "Åsa"})
    dead_id, _ = await bury_one(redis, body, password="hunter2")
    result = await asyncio.to_thread(command, "show", dead_id)
    assert result.exit_code == 0
    assert TOKEN not in result.stdout
    assert "hunter2" not in result.stdout
    assert '  "name": "Åsa"' in result.stdout
    assert f"place:         {DEAD}" in result.stdout


async def test_a_letter_cannot_drive_the_operators_terminal(redis: Redis, command: Run) -> None:
    dead_id, _ = await bury_one(redis, b"\x1b]0;owned\x07\x1b[2J\r", evil="\x1b[31m")
    shown = await asyncio.to_thread(command, "show", dead_id)
    assert "\\x1b]0;owned\\x07" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_replay_puts_back_what_was_named(command: Run, buried: list[str]) -> None:
    result = command("replay", buried[0], buried[2])
    assert (result.exit_code, result.stderr) == (0, "2 replayed.\n")
    assert f"{buried[0]} of {DEAD} is tried again." in result.stdout
    assert [line.split("\t")[0] for line in command("list").stdout.splitlines()] == [buried[1]]


async def test_replay_of_everything_keeps_the_order(redis: Redis, command: Run, buried: list[str]) -> None:
    result = await asyncio.to_thread(command, "replay", "--all")
    assert result.stderr == "3 replayed.\n"
    assert [fields[b"number"] for _, fields in await redis.xrange(STREAM)] == [b"0", b"1"]
    assert not await redis.xlen(DEAD)


def test_replay_by_class_of_error_takes_that_class_only(command: Run, buried: list[str]) -> None:
    assert command("replay", "--error", "unknown_type").stderr == "Nothing to replay.\n"
    assert command("replay", "--error", "unreadable_json").stderr == "3 replayed.\n"


def test_an_unknown_id_stops_a_replay_before_it_begins(command: Run, buried: list[str]) -> None:
    result = command("replay", buried[0], "1-1")
    assert result.exit_code == 1
    assert result.stderr == "There is no dead letter 1-1. Nothing was replayed.\n"
    assert command("show", "1-1").exit_code == 1
    assert len(command("list").stdout.splitlines()) == 3


@pytest.mark.parametrize("arguments", [[], ["1-1", "--all"], ["--all", "--error", "x"]])
def test_replay_wants_to_know_which(command: Run, arguments: list[str]) -> None:
    result = command("replay", *arguments)
    assert result.exit_code == 2
    assert "Say which" in result.stderr


def test_a_redis_that_is_away_is_said_in_a_sentence() -> None:
    @asynccontextmanager
    async def places() -> AsyncIterator[Sequence[DeadLetters]]:
        async with Redis.from_url("redis://127.0.0.1:1/0") as nobody:
            yield (DeadStreams(nobody, (STREAM,)),)

    result = CliRunner().invoke(dead_commands(places), ["list"], catch_exceptions=False)
    assert result.exit_code == 1
    assert result.stderr.startswith("Redis does not answer (ConnectionError).")
