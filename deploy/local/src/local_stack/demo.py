"""The demo: one customer publishes for real against the sandbox, and what comes out is checked there."""

from typing import Any

import httpx
from rich import box
from rich.console import Console
from rich.table import Table

from local_stack.access import Access
from local_stack.customer import DEMO_SETTINGS, Customer

_EXPECTED_NAMES = {"campaign": "Project Auto - Test Campaign", "adset": "Project Auto - Test Ad Set"}
_ID_KEYS = {"campaign": "campaignId", "adset": "adsetId"}


class DemoFailedError(RuntimeError):
    """The demo ended otherwise than it should; the text says where."""


async def prepare(customer: Customer, access: Access, console: Console) -> None:
    """Bring the demo customer to the point where only Publish is left to press."""
    is_new = await customer.sign_up_or_log_in(access.email, access.password)
    console.print(f"1. {'Signed up' if is_new else 'Logged in'} as {access.email}")
    await customer.connect()
    console.print("2. Connected to Meta through the OAuth dialog")
    account = await customer.select_first_account()
    console.print(
        f"3. Selected ad account {account['id']} ({account.get('name')}, {account.get('currency')})"
    )
    await customer.post("/ads/settings", DEMO_SETTINGS)
    console.print("4. Saved ad settings")


async def run_demo(access: Access, console: Console) -> None:
    """Walk the whole way and print what came out.

    Raises:
        DemoFailedError: the run failed, or the sandbox does not hold exactly what the gateway reports.
        RefusedError: the gateway refused a step.
    """
    async with (
        Customer(access.gateway_url) as customer,
        httpx.AsyncClient(base_url=access.sandbox_url, trust_env=False) as sandbox,
    ):
        await prepare(customer, access, console)
        before = await customer.get("/ads/objects") or {}
        seen = (await _read(sandbox, "/_sandbox/ledger?limit=1"))["last_seq"]
        run = await customer.publish()
        console.print(f"5. Published: run {run['id']} ended with {run['status']}\n")
        _print_timeline(run, console)
        if run["status"] != "success":
            raise DemoFailedError(f"The run failed: {run['errorMessage']}")
        objects = await customer.get("/ads/objects")
        _check_and_print(objects, (await _read(sandbox, "/_sandbox/objects"))["data"], console)
        created = (await _read(sandbox, f"/_sandbox/ledger?kind=created&since={seen}"))["data"]
    if not created and all(before.get(key) == objects[key] for key in _ID_KEYS.values()):
        console.print("This customer had published before: the same ids, nothing new was created.")
    else:
        console.print(
            f"The sandbox created {len(created)} objects in this run. None of them can spend money."
        )


async def _read(sandbox: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await sandbox.get(path)).raise_for_status().json()
    return answer


def _print_timeline(run: dict[str, Any], console: Console) -> None:
    if trace_id := run.get("traceId"):
        console.print(f"  trace {trace_id}")
    for step in run["steps"]:
        console.print(f"  {step['at']}  {step['message']}", markup=False)
    console.print()


def _check_and_print(objects: dict[str, Any], held: list[dict[str, Any]], console: Console) -> None:
    held_by_id = {one["id"]: one for one in held}
    table = Table(box=box.ROUNDED if console.is_terminal else None)
    for heading in ("object", "id", "status", "name"):
        table.add_column(heading, no_wrap=True)
    for kind, key in _ID_KEYS.items():
        found = held_by_id.get(objects[key])
        if found is None:
            raise DemoFailedError(
                f"The gateway reports {kind} {objects[key]}, the sandbox holds none with that id"
            )
        if found["status"] != "PAUSED" or found["name"] != _EXPECTED_NAMES[kind]:
            raise DemoFailedError(
                f"The {kind} {found['id']} is {found['status']} with name {found['name']!r}"
            )
        table.add_row(kind, found["id"], found["status"], found["name"])
    if held_by_id[objects["adsetId"]]["parent_id"] != objects["campaignId"]:
        raise DemoFailedError("The ad set does not belong to the campaign")
    console.print("What the sandbox, standing in for Meta, holds now:")
    console.print(table)
