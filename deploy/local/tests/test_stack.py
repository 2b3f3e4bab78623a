"""The whole stack, once: what `make up` and `make demo` promise."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest
import pytest_asyncio
from rich.console import Console

from local_stack.access import Access, running_stack
from local_stack.customer import Customer
from local_stack.demo import run_demo
from local_stack.ports import Ports
from local_stack.record import Record
from local_stack.stack import RECORD, AlreadyRunningError, Stack


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with Stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def access(stack: Stack) -> Access:
    return Access.of(stack.ports, stack.credentials)


async def test_the_demo_publishes_and_the_second_one_creates_nothing_new(access: Access) -> None:
    first, second = io.StringIO(), io.StringIO()
    await run_demo(access, Console(file=first, soft_wrap=True))
    await run_demo(access, Console(file=second, soft_wrap=True))
    assert "Signed up as demo@example.com" in first.getvalue()
    assert "The sandbox created 2 objects in this run." in first.getvalue()
    assert "the same ids, nothing new was created" in second.getvalue()


async def test_a_killed_publisher_comes_back_and_works_again(stack: Stack, access: Access) -> None:
    await run_demo(access, Console(file=io.StringIO()))
    killed = stack.pid("ads-publisher")
    stack.kill("ads-publisher")
    async with Customer(access.gateway_url) as customer:
        await customer.sign_up_or_log_in(access.email, access.password)
        assert (await customer.publish())["status"] == "success"
    assert stack.pid("ads-publisher") != killed


async def test_a_process_can_be_started_with_other_settings(stack: Stack, access: Access) -> None:
    await stack.restart("ads-publisher", env={"ALLOW_REAL_META_WRITE": "false"})
    try:
        async with Customer(access.gateway_url) as customer:
            await customer.sign_up_or_log_in(access.email, access.password)
            assert "Ads publish is disabled" in (await customer.publish())["errorMessage"]
    finally:
        await stack.restart("ads-publisher", env={"ALLOW_REAL_META_WRITE": "true"})


async def test_a_folder_has_one_stack_at_a_time_and_a_second_demo_uses_it(stack: Stack) -> None:
    with pytest.raises(AlreadyRunningError, match="already running"):
        async with Stack(stack.data_dir, ports=Ports.free()):
            pass
    async with running_stack(stack.data_dir, Console(file=io.StringIO())) as (access, own):
        assert own is None
        assert access.gateway_url == stack.gateway_url
    assert Record.read(stack.data_dir / RECORD) is not None


async def test_secrets_are_for_their_owner_only_and_in_no_log(stack: Stack) -> None:
    path = stack.data_dir / "secrets.json"
    assert path.stat().st_mode & 0o077 == 0
    logs = "".join(log.read_text() for log in (stack.data_dir / "logs").glob("*.log"))
    secrets = [
        stack.credentials.app_secret,
        stack.credentials.demo_password,
        *stack.credentials.token_keys.values(),
        *stack.credentials.role_passwords.values(),
        *(pair.private for pair in stack.credentials.service_keys.values()),
    ]
    assert [secret for secret in secrets if secret in logs] == []


async def test_everything_is_gone_after_down_and_the_data_is_there_at_the_next_start(tmp_path: Path) -> None:
    async with Stack(tmp_path) as first:
        pids = [
            first.pid(name)
            for name in ("postgres", "valkey", "sandbox", "meta-auth", "ads-publisher", "gateway")
        ]
        async with Customer(first.gateway_url) as customer:
            assert await customer.sign_up_or_log_in("kept@example.com", "a password to keep")
    assert Record.read(tmp_path / RECORD) is None
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with pytest.raises(httpx.TransportError):
        await asyncio.to_thread(httpx.get, first.gateway_url)
    async with Stack(tmp_path) as second, Customer(second.gateway_url) as customer:
        assert not await customer.sign_up_or_log_in("kept@example.com", "a password to keep")
