"""These tests are about the embedded servers themselves, so they never get containers."""

from collections.abc import Iterator

import pytest

from local_stack.pytest_plugin import CreateDatabase, database_maker, embedded_postgres, embedded_valkey
from local_stack.servers import EmbeddedPostgres, EmbeddedValkey


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    with embedded_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def create_database(postgres_server: EmbeddedPostgres) -> CreateDatabase:
    return database_maker(postgres_server)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[EmbeddedValkey]:
    with embedded_valkey() as server:
        yield server
