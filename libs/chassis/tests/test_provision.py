"""Each service has a room of its own in Postgres, and a leaked serving password opens nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest
from sample_service.room import Room
from sqlalchemy.exc import ProgrammingError

from chassis.database import Connection
from chassis.migrating import migrate
from chassis.provision import provision, provision_from
from chassis.settings import ServiceSettings


async def refused(url: str, statement: str) -> bool:
    """Whether Postgres refuses the statement for want of a right."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    finally:
        await connection.close()
    return False


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "ALTER TABLE notes ADD COLUMN mine int",
        "DROP TABLE notes",
        "TRUNCATE notes",
        "CREATE ROLE mine",
        "ALTER ROLE chassis_sample SUPERUSER",
        "SET ROLE chassis_sample_owner",
    ],
)
async def test_the_serving_role_cannot_change_the_schema_or_its_rights(room: Room, statement: str) -> None:
    assert await refused(room.url, statement)


async def test_the_serving_role_reads_and_writes_the_rows_of_tables_that_migrations_made(room: Room) -> None:
    connection = await asyncpg.connect(room.url)
    await connection.execute("INSERT INTO notes (text) VALUES ('one'), ('two')")
    await connection.execute("UPDATE notes SET text = 'three' WHERE text = 'two'")
    await connection.execute("DELETE FROM notes WHERE text = 'one'")
    assert await connection.fetchval("SELECT text FROM notes") == "three"
    await connection.close()


async def test_no_role_sees_another_services_schema(room: Room) -> None:
    other = Room(service="chassis_other", admin_url=room.admin_url)
    await other.provision()
    for url in (other.url, other.owner_url):
        assert await refused(url, "SELECT * FROM chassis_sample.notes")
        assert await refused(url, "CREATE TABLE chassis_sample.theirs (id int)")


async def test_a_role_cannot_enter_a_database_that_was_not_given_to_it(
    room: Room, create_database: Callable[[], Awaitable[str]]
) -> None:
    elsewhere = Room(service="chassis_other", admin_url=await create_database())
    await elsewhere.provision()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(Room(service="chassis_sample", admin_url=elsewhere.admin_url).url)


async def test_provisioning_again_changes_the_password_and_keeps_the_rows(
    room: Room, admin: Connection
) -> None:
    connection = await asyncpg.connect(room.url)
    await connection.execute("INSERT INTO notes (text) VALUES ('kept')")
    await connection.close()
    await admin.execute("ALTER ROLE chassis_sample PASSWORD 'forgotten'")
    await room.provision()
    connection = await asyncpg.connect(room.url)
    assert await connection.fetchval("SELECT text FROM notes") == "kept"
    await connection.close()


async def test_two_services_can_be_provisioned_at_the_same_time(room: Room) -> None:
    rooms = [Room(service=f"chassis_{name}", admin_url=room.admin_url) for name in ("a", "b", "a", "b")]
    await asyncio.gather(*(each.provision() for each in rooms))
    assert not await refused(rooms[0].owner_url, "CREATE TABLE mine (id int)")


async def test_a_password_with_quotes_is_a_password_and_no_statement(room: Room, admin: Connection) -> None:
    password = "x' SUPERUSER --\"%L"
    await provision(room.admin_url, service="chassis_other", password=password, owner_password="plain")
    host, port = room.admin_url.rsplit("@", 1)[1].split("/")[0].split(":")
    connection = await asyncpg.connect(
        host=host,
        port=int(port),
        user="chassis_other",
        password=password,
        database=await admin.fetchval("SELECT current_database()"),
    )
    assert await connection.fetchval("SELECT current_setting('is_superuser')") == "off"
    await connection.close()


async def test_migrating_a_migrated_schema_changes_nothing(room: Room, admin: Connection) -> None:
    count = "SELECT count(*) FROM pg_class WHERE relnamespace = 'chassis_sample'::regnamespace"
    before = await admin.fetchval(count)
    await asyncio.to_thread(migrate, room.owner_url, package="sample_service")
    assert await admin.fetchval(count) == before
    assert await admin.fetchval("SELECT count(*) FROM chassis_sample.alembic_version") == 1


async def test_the_serving_role_cannot_run_migrations(room: Room, admin: Connection) -> None:
    fresh = Room(service="chassis_fresh", admin_url=room.admin_url)
    await fresh.provision()
    with pytest.raises(ProgrammingError, match="permission denied for schema chassis_fresh"):
        await asyncio.to_thread(migrate, fresh.url, package="sample_service")
    tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'chassis_fresh'::regnamespace"
    assert await admin.fetchval(tables) == 0


async def test_an_administrator_without_superuser_rights_provisions_too(
    create_database: Callable[[], Awaitable[str]],
) -> None:
    """Managed Postgres gives nobody a superuser."""
    url = await create_database()
    admin = await asyncpg.connect(url)
    name = urlsplit(url).path[1:]
    await admin.execute("CREATE ROLE managed LOGIN CREATEROLE PASSWORD 'managed-secret'")
    await admin.execute(f'ALTER DATABASE "{name}" OWNER TO managed')
    await admin.close()
    parts = urlsplit(url)
    room = Room(
        service="chassis_managed",
        admin_url=f"postgresql://managed:managed-secret@{parts.hostname}:{parts.port}{parts.path}",
    )
    await room.provision()
    await room.provision()
    await asyncio.to_thread(migrate, room.owner_url, package="sample_service")
    connection = await asyncpg.connect(room.url)
    await connection.execute("INSERT INTO notes (text) VALUES ('one')")
    await connection.close()


def settings_of(room: Room, **changes: str | None) -> ServiceSettings:
    urls: dict[str, str | None] = {
        "database_url": room.url,
        "migration_database_url": room.owner_url,
        "admin_database_url": room.admin_url,
        **changes,
    }
    return ServiceSettings.model_validate(urls)


async def test_a_room_is_provisioned_from_the_addresses_of_a_service(
    create_database: Callable[[], Awaitable[str]],
) -> None:
    room = Room(service="chassis_addresses", admin_url=await create_database())
    await asyncio.to_thread(provision_from, settings_of(room))
    await asyncio.to_thread(migrate, room.owner_url, package="sample_service")
    connection = await asyncpg.connect(room.url)
    assert await connection.fetchval("SELECT count(*) FROM notes") == 0
    await connection.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"admin_database_url": None},
        {"migration_database_url": None},
        {"database_url": "postgresql://localhost/auto_ads"},
        {"migration_database_url": "postgresql://other_owner:secret@localhost/auto_ads"},
    ],
)
def test_addresses_that_do_not_belong_together_are_refused_without_showing_a_password(
    changes: dict[str, str | None],
) -> None:
    room = Room(service="chassis_sample", admin_url="postgresql://admin:hidden@localhost/auto_ads")
    with pytest.raises(ValueError, match="DATABASE_URL") as refusal:
        provision_from(settings_of(room, **changes))
    assert "secret" not in str(refusal.value)
    assert "hidden" not in str(refusal.value)
