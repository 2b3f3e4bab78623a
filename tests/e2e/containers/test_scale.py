"""More than one of each: `--scale gateway=2 --scale ads-publisher=4` behind the proxy, under load."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from e2e_compose import ComposeSystem
from e2e_crowd import Crowd, Load
from e2e_docker import docker, log_of
from e2e_driver import eventually
from e2e_system import database_url

from local_stack.services import ADS_PUBLISHER, GATEWAY

COUNTS = {GATEWAY: 2, ADS_PUBLISHER: 4}
REVISION = "e2e_expand"
MIGRATION = '''
"""Two columns and an index more, as the next version of the code would bring them."""

from alembic import op

revision = "{revision}"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE ad_runs ADD COLUMN e2e_note text")
    op.execute("ALTER TABLE outbox ADD COLUMN e2e_note text NOT NULL DEFAULT ''")
    op.execute("CREATE INDEX e2e_notes ON ad_runs (e2e_note)")
'''


@pytest_asyncio.fixture(scope="module")
async def scaled(stack: ComposeSystem) -> AsyncIterator[ComposeSystem]:
    await stack.scale(COUNTS)
    yield stack
    await stack.scale({})


@pytest.mark.timeout(300)
async def test_two_gateways_and_four_publishers_share_the_work(scaled: ComposeSystem, crowd: Crowd) -> None:
    ledger = await crowd.ledger()

    async def nothing(_: int) -> None:
        """Let it run."""

    presses = await crowd.publish(100, accepted=nothing)
    told = [press.told for press in presses if press.told]
    assert [each.status for each in told] == ["success"] * len(presses)
    assert await ledger.verdicts(told) == []
    for name, count in COUNTS.items():
        containers = scaled.containers(name)
        assert len(containers) == count
        logs = [log_of(container) for container in containers]
        worked = [any(each.run_id in log for each in told) for log in logs]
        assert worked == [True] * count, f"{name}: {worked}"


@pytest.mark.timeout(300)
async def test_a_rolling_restart_under_load_fails_no_request_and_doubles_no_object(
    scaled: ComposeSystem, crowd: Crowd
) -> None:
    ledger = await crowd.ledger()
    async with crowd.load() as load:
        await eventually(lambda: finished(load), lambda count: count >= 10)
        await asyncio.gather(*(roll(scaled.containers(name)) for name in COUNTS))
        before = len(load.told)
        await eventually(lambda: finished(load), lambda count: count >= before + 10)
    assert load.failures == []
    assert load.requests > 200
    assert {each.status for each in load.told} == {"success"}
    assert await ledger.verdicts(load.told) == []


@pytest.mark.timeout(300)
async def test_a_migration_runs_while_the_old_code_serves_and_fails_no_request(
    scaled: ComposeSystem, crowd: Crowd, undone: None
) -> None:
    ledger = await crowd.ledger()
    running = {each: started_at(each) for each in scaled.containers(GATEWAY)}
    async with crowd.load() as load:
        await eventually(lambda: finished(load), lambda count: count >= 10)
        await migrate(scaled)
        before = len(load.told)
        await eventually(lambda: finished(load), lambda count: count >= before + 10)
        answer = await crowd.customers[0].request("GET", "/health/ready")
    assert load.failures == []
    assert {each.status for each in load.told} == {"success"}
    assert await ledger.verdicts(load.told) == []
    assert answer.status_code == 200
    assert answer.json()["migrations"]["current"] == REVISION
    assert {each: started_at(each) for each in scaled.containers(GATEWAY)} == running


async def finished(load: Load) -> int:
    return len(load.told)


async def roll(containers: list[str]) -> None:
    """Restart one after the other, each when the one before is healthy again."""
    for container in containers:
        await asyncio.to_thread(docker, "restart", "--time", "20", container)
        await eventually(lambda it=container: health(it), lambda seen: seen == "healthy")


async def health(container: str) -> str:
    return (await asyncio.to_thread(docker, "inspect", "-f", "{{.State.Health.Status}}", container)).strip()


def started_at(container: str) -> str:
    return docker("inspect", "-f", "{{.State.StartedAt}}", container)


async def migrate(stack: ComposeSystem) -> None:
    """Run the next version's migration as an operator does: in a container for it alone."""
    where = "import gateway.migrations as it; print(list(it.__path__)[0])"
    [gateway, *_] = stack.containers(GATEWAY)
    folder = docker("exec", gateway, "python", "-c", where).strip()
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(MIGRATION.format(revision=REVISION, head=await current_head(stack)))
        file.flush()
        os.fchmod(file.fileno(), 0o644)  # who migrates is somebody else
        mount = f"{file.name}:{folder}/versions/{REVISION}.py:ro"
        once = ("run", "--rm", "--no-deps", "-T", "-v", mount, "gateway-setup", "python -m gateway migrate")
        await asyncio.to_thread(stack.compose, *once)


async def current_head(stack: ComposeSystem) -> str:
    connection = await asyncpg.connect(database_url(stack))
    try:
        return str(await connection.fetchval("SELECT version_num FROM gateway.alembic_version"))
    finally:
        await connection.close()


@pytest_asyncio.fixture
async def undone(scaled: ComposeSystem) -> AsyncIterator[None]:
    """The schema as it was before the test, for the code that does not know the migration."""
    head = await current_head(scaled)
    yield
    connection = await asyncpg.connect(database_url(scaled))
    try:
        for table in ("ad_runs", "outbox"):
            await connection.execute(f"ALTER TABLE gateway.{table} DROP COLUMN IF EXISTS e2e_note")
        await connection.execute("UPDATE gateway.alembic_version SET version_num = $1", head)
    finally:
        await connection.close()
