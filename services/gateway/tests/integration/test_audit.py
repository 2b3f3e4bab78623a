"""The audit log says who did what, and shows when somebody has changed it afterwards."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from gateway_harness import SETTINGS, Database, Migrated, Person, Publisher, eventually
from redis.asyncio import Redis

from chassis.database import Connection, Pool, across_customers, create_pool, transaction
from contracts.events import (
    CONNECTIONS_STREAM,
    RESULTS_STREAM,
    OperatorActed,
    OperatorActedBody,
    RunFailedBody,
    RunStartedBody,
    RunStepBody,
    RunSucceededBody,
)
from gateway.audit_chain import BrokenChainError, Head, seal_entries, verify_chain
from gateway.store.audit import add_audit_entry
from local_stack.pytest_plugin import ValkeyServer


@pytest_asyncio.fixture(scope="module")
async def own_database(migrated: Migrated) -> Database:
    """A log that no gateway seals: these tests do, and spoil it."""
    return await migrated("gateway_audited", "gateway")


@pytest_asyncio.fixture
async def pool(own_database: Database) -> AsyncIterator[Pool]:
    opened = await create_pool(own_database.serving_url, name="audit", size=10)
    async with _tampering(own_database) as admin:
        await admin.execute("DELETE FROM audit_seals; DELETE FROM audit_log")
    yield opened
    await opened.close()


class _tampering:  # noqa: N801 - reads as what it does
    """An owner of the server who takes the triggers away for a moment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> Any:
        self._admin = await asyncpg.connect(
            self._database.admin_url, server_settings={"search_path": "gateway_audited"}
        )
        await self._admin.execute("SET session_replication_role = replica")
        return self._admin

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()


async def write(pool: Pool, *actions: str) -> None:
    for action in actions:
        customer = uuid4()
        async with transaction(pool, customer=customer) as conn:
            await add_audit_entry(conn, action, customer_id=customer, number=1.5, text="é\r\n")


async def verified(pool: Pool, expected: Head | None = None) -> Head:
    async with across_customers(pool) as conn:
        return await verify_chain(conn, expected)


async def test_sealed_entries_are_verified(pool: Pool) -> None:
    assert (await verified(pool)).seq == 0
    await write(pool, "a", "b", "c")
    assert await seal_entries(pool) == 3
    first = await verified(pool)
    await write(pool, "d")
    assert await seal_entries(pool) == 1
    assert await seal_entries(pool) == 0
    assert (await verified(pool, first)).seq == 4


SPOILT = {
    "an entry was edited": (
        "UPDATE audit_log SET result = 'failed' WHERE action = 'b'",
        "of seal 2 was changed",
    ),
    "its time was edited": (
        "UPDATE audit_log SET at = at + interval '1 microsecond' WHERE action = 'b'",
        "of seal 2 was changed",
    ),
    "its detail was edited": (
        "UPDATE audit_log SET detail = detail || '{\"number\": 2}' WHERE action = 'b'",
        "of seal 2 was changed",
    ),
    "an entry was removed": ("DELETE FROM audit_log WHERE action = 'b'", "of seal 2 is missing"),
    "an entry and its seal were removed": (
        "DELETE FROM audit_seals WHERE seq = 2; DELETE FROM audit_log WHERE action = 'b'",
        "seal 2 is missing",
    ),
    "the gap was closed": (
        """
        DELETE FROM audit_seals WHERE seq = 2;
        DELETE FROM audit_log WHERE action = 'b';
        UPDATE audit_seals SET seq = seq - 1 WHERE seq > 2
        """,
        "seal 2 of entry .* does not follow",
    ),
    "two entries were swapped": (
        "UPDATE audit_log SET action = CASE action WHEN 'b' THEN 'c' ELSE 'b' END WHERE action IN ('b', 'c')",
        "of seal 2 was changed",
    ),
    "two seals were swapped": (
        """
        UPDATE audit_seals SET seq = -seq WHERE seq IN (2, 3);
        UPDATE audit_seals SET seq = 5 + seq WHERE seq < 0
        """,
        "seal 2 of entry .* does not follow",
    ),
    "the first was removed": (
        "DELETE FROM audit_log WHERE action = 'a'; DELETE FROM audit_seals WHERE seq = 1",
        "seal 1 is missing",
    ),
    "a seal alone was removed at the end": (
        """
        DELETE FROM audit_seals WHERE seq = 4;
        UPDATE audit_log SET at = at - interval '1 hour' WHERE action = 'd'
        """,
        "has no seal",
    ),
    "an old entry was slipped in": (
        """
        INSERT INTO audit_log (action, result, detail, at)
        VALUES ('x', 'ok', '{}', now() - interval '1 hour')
        """,
        "has no seal",
    ),
}


@pytest.mark.parametrize("how", SPOILT)
async def test_the_first_broken_place_is_named_when(pool: Pool, own_database: Database, how: str) -> None:
    statement, told = SPOILT[how]
    await write(pool, "a", "b", "c", "d")
    await seal_entries(pool)
    async with _tampering(own_database) as admin:
        await admin.execute(statement)
    with pytest.raises(BrokenChainError, match=told):
        await verified(pool)


async def test_an_end_that_was_removed_with_its_seals_shows_by_a_head_that_was_noted(
    pool: Pool, own_database: Database
) -> None:
    await write(pool, "a", "b", "c")
    await seal_entries(pool)
    noted = await verified(pool)
    async with _tampering(own_database) as admin:
        await admin.execute("DELETE FROM audit_seals WHERE seq = 3; DELETE FROM audit_log WHERE action = 'c'")
    assert (await verified(pool)).seq == 2  # by itself nothing is wrong with the rest
    with pytest.raises(BrokenChainError, match="seal 3 was noted, the log ends with 2"):
        await verified(pool, noted)
    await write(pool, "other")
    await seal_entries(pool)
    with pytest.raises(BrokenChainError, match="seal 3 is not the one that was noted"):
        await verified(pool, noted)


async def test_many_writers_and_sealers_at_once_make_one_chain(pool: Pool) -> None:
    async def seal_often() -> None:
        for _ in range(10):
            await seal_entries(pool)

    await asyncio.gather(*(write(pool, "x", "y") for _ in range(20)), *(seal_often() for _ in range(3)))
    await seal_entries(pool)
    assert (await verified(pool)).seq == 40


async def test_an_entry_that_is_committed_late_is_sealed_late_and_blocks_nobody(pool: Pool) -> None:
    async with transaction(pool) as slow:
        await add_audit_entry(slow, "slow")
        await write(pool, "quick")
        assert await seal_entries(pool) == 1
    assert await seal_entries(pool) == 1
    assert (await verified(pool)).seq == 2


async def test_erasing_a_customer_leaves_the_chain_whole_and_nobody_in_it(
    own_database: Database, pool: Pool
) -> None:
    customer = uuid4()
    async with transaction(pool, customer=customer) as conn:
        await conn.execute("INSERT INTO customers (id, name) VALUES ($1, 'Ada')", customer)
        await add_audit_entry(conn, "signup", customer_id=customer)
    await seal_entries(pool)
    before = await verified(pool)
    async with transaction(pool, customer=customer) as conn:
        assert await conn.execute("DELETE FROM customers") == "DELETE 1"
    assert await verified(pool, before) == before


@pytest.mark.parametrize(
    ("role", "refused"),
    # The serving role lacks the right; the triggers refuse those who have it, or could give it to themselves.
    [("", "permission denied"), ("_jobs", "append-only|permission denied"), ("_owner", "append-only")],
)
async def test_no_role_of_the_service_changes_the_log_or_its_seals(
    own_database: Database, pool: Pool, role: str, refused: str
) -> None:
    await write(pool, "a")
    await seal_entries(pool)
    url = own_database.owner_url if role == "_owner" else own_database.serving_url
    session = await asyncpg.connect(url)
    if role == "_jobs":
        await session.execute("SET ROLE gateway_audited_jobs")
    for statement in (
        "UPDATE audit_log SET result = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "UPDATE audit_seals SET hash = ''",
        "DELETE FROM audit_seals",
        "TRUNCATE audit_seals",
    ):
        with pytest.raises(asyncpg.PostgresError, match=refused):
            await session.execute(statement)
    await session.close()


def _audit(database: Database, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "gateway", "audit", *words],
        env={"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error", "DATABASE_URL": database.serving_url},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_command_verifies_against_a_head_and_ends_with_1_when_the_log_is_broken(
    own_database: Database, pool: Pool
) -> None:
    await write(pool, "a", "b")
    await seal_entries(pool)
    good = _audit(own_database, "verify")
    assert good.returncode == 0, good.stderr
    assert good.stdout.startswith("2 entries, each as it was sealed. Head: 2:")
    head = good.stdout.rsplit(" ", 1)[1].strip()
    assert _audit(own_database, "verify", "--expect", head).returncode == 0
    assert _audit(own_database, "verify", "--expect", "nonsense").returncode == 2
    async with _tampering(own_database) as admin:
        await admin.execute("UPDATE audit_log SET user_id = gen_random_uuid() WHERE action = 'b'")
    bad = _audit(own_database, "verify", "--expect", head)
    assert bad.returncode == 1
    assert "BROKEN: entry" in bad.stderr


async def test_the_export_has_one_line_for_each_entry_whatever_is_in_it(
    own_database: Database, pool: Pool
) -> None:
    customer = uuid4()
    nasty = 'x\r\n{"action":"forged"}\u2028\u0085\x1b[2J'
    async with transaction(pool, customer=customer) as conn:
        await add_audit_entry(conn, nasty, result=nasty, customer_id=customer, text=nasty)
    await write(pool, "other")
    await seal_entries(pool)
    lines = _audit(own_database, "export", "--customer", str(customer)).stdout.splitlines()
    assert len(lines) == 1
    entry = json.loads(lines[0])
    assert (entry["action"], entry["detail"]["text"], entry["seal"]["seq"]) == (nasty, nasty, 1)
    assert len(_audit(own_database, "export").stdout.splitlines()) == 2
    assert _audit(own_database, "export", "--since", "2099-01-01").stdout == ""
    assert _audit(own_database, "export", "--until", "2020-01-01T00:00:00Z").stdout == ""


async def _entries(admin: Connection, person: Person) -> list[dict[str, Any]]:
    rows = await admin.fetch(
        "SELECT user_id, action, result, detail::text AS detail FROM audit_log"
        " WHERE customer_id = $1 ORDER BY id",
        UUID(person.me["customerId"]),
    )
    return [{**dict(row), "detail": json.loads(row["detail"])} for row in rows]


async def test_what_a_user_does_and_is_refused_is_in_the_log(person: Person, admin: Connection) -> None:
    wanted = str(uuid4())
    await person.post("/ads/settings", SETTINGS, status=201)
    assert (await person.http.get("/ads/status", headers={"x-customer-id": wanted})).status_code == 403
    await person.http.get("/meta/oauth/callback", params={"state": "made-up", "code": "x"})
    found = await _entries(admin, person)
    assert [(entry["action"], entry["result"]) for entry in found[:3]] == [
        ("signup", "ok"),
        ("ad_settings", "ok"),
        ("access", "refused"),
    ]
    assert found[2]["detail"] == {"wanted": wanted}
    assert {str(entry["user_id"]) for entry in found} == {person.me["userId"]}


async def test_what_became_of_a_run_and_what_operators_did_to_it_is_in_the_log_once(
    person: Person, publisher: Publisher, admin: Connection
) -> None:
    run = await person.publish()
    customer = UUID(person.me["customerId"])
    failed = {"mode": "real", "error_code": "META_100"}
    await publisher.tell(run, 1, RunFailedBody, **failed)
    await run.until(lambda seen: seen["status"] == "failed")
    await publisher.tell(run, 2, RunStartedBody, mode="real", replayed=True)
    await publisher.tell(run, 3, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
    await run.until(lambda seen: seen["status"] == "success")
    extra = {"step": "campaign", "state": "note", "extra": "deleted", "extra_id": "120210001"}
    await publisher.tell(run, 4, RunStepBody, **extra)
    acted = OperatorActed.model_validate(
        {
            "id": uuid4(),
            "source": "/ads-publisher",
            "time": "2026-11-25T00:00:00Z",
            "subject": str(run.run_id),
            "customerid": customer,
            "data": OperatorActedBody(action="bundle", target=str(run.run_id)),
        }
    )
    for _ in range(2):
        await publisher.send(acted)

    async def count() -> int:
        return len(await _entries(admin, person))

    await eventually(count, lambda seen: seen >= 7)
    found = (await _entries(admin, person))[2:]
    assert sorted((entry["action"], entry["result"], entry["detail"]["actor"]) for entry in found) == [
        ("meta_extra_object", "deleted", "publisher"),
        ("operator_bundle", "ok", "operator"),
        ("run_end", "failed", "publisher"),
        ("run_end", "ok", "publisher"),
        ("run_replay", "ok", "operator"),
    ]
    assert "120210001" not in json.dumps(found, default=str)
    assert len(await publisher.redis.xinfo_groups(RESULTS_STREAM)) == 1


async def test_what_an_operator_tries_again_is_in_the_log(
    own_database: Database, pool: Pool, valkey: ValkeyServer
) -> None:
    customer = uuid4()
    dead = f"{CONNECTIONS_STREAM}.dead"
    async with Redis.from_url(valkey.url) as redis:
        letter = (await redis.xadd(dead, {"__data__": json.dumps({"customerid": str(customer)})})).decode()
        done = subprocess.run(  # noqa: ASYNC221, S603 - our own module
            [sys.executable, "-m", "gateway", "dead", "replay", letter],
            env={
                "PATH": os.environ["PATH"],
                "DATABASE_URL": own_database.serving_url,
                "REDIS_URL": valkey.url,
            },
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert await redis.xrange(dead, min=letter, max=letter) == []
    [line] = _audit(own_database, "export", "--customer", str(customer)).stdout.splitlines()
    entry = json.loads(line)
    assert entry["action"] == "operator_dead_replay"
    assert entry["detail"]["actor"] == "operator"
    assert (entry["detail"]["target"], entry["detail"]["place"]) == (letter, dead)


async def test_a_serving_gateway_seals_by_itself(person: Person, admin: Connection) -> None:
    async def unsealed() -> int:
        query = (
            "SELECT count(*) FROM audit_log AS entry WHERE customer_id = $1"
            " AND NOT EXISTS (SELECT FROM audit_seals WHERE entry_id = entry.id)"
        )
        return int(await admin.fetchval(query, UUID(person.me["customerId"])))

    await eventually(unsealed, lambda left: left == 0, seconds=30)
