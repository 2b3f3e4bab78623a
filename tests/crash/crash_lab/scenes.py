"""The failpoints that need a scene of their own: the sweeper's two, and those of logins and deletions."""

import asyncio
import base64
import hmac
import json
import tempfile
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from e2e_driver import Advertiser, eventually

from crash_lab.checker import Verdict, check
from crash_lab.clients import Press, accept, follow
from crash_lab.lab import Lab
from crash_lab.matrix import CELL_SECONDS, DEATH_SECONDS, Bench, Cell, Line
from crash_lab.nursery import EnvFor
from local_stack.customer import RefusedError
from local_stack.services import ADS_PUBLISHER, META_AUTH

LATE_SECONDS = 8.0
"""A create that lands so late is behind the look-up and the new attempt: five seconds in compressed time."""
SWEEPING = {"SWEEP_AFTER_SECONDS": "1,12,18,24,30"}
PATIENT_META = {"proof_seconds": 100_000}
"""Meta not enforcing the expiry of proofs: the one thing that lets an extra object arise."""
LATE_CREATE = "create late, expiry not enforced"


def deadly(folder: Path, point: str, *, times: int) -> EnvFor:
    """Environment by which a process dies once at the point in each of its first starts."""

    def env_for(start: int) -> Mapping[str, str]:
        if start > times:
            return {}
        (folder / str(start)).mkdir(parents=True, exist_ok=True)
        return {"FAILPOINTS": f"{point}=kill@1", "FAILPOINT_DIR": str(folder / str(start))}

    return env_for


async def arm_late_create(lab: Lab, press: Press, *, step: str = "campaign") -> None:
    """The first create of this press loses its connection at once, and happens late."""
    await lab.sandbox.arm_raw(
        match={"step": step, "account": press.account, "attempt": 1},
        do="delay_arrival",
        seconds=LATE_SECONDS,
        drop=True,
    )


async def sweep_scene(lab: Lab, bench: Bench, point: str, *, runs: int) -> Line:
    """Extras arise, the sweeper dies once for each at the point, and in the end each run has one of each."""
    line = Line(cell=Cell(point=point, fault=LATE_CREATE, process=ADS_PUBLISHER))
    await lab.sandbox.change_settings(**PATIENT_META)
    while line.runs < runs:
        presses = (await bench.next_batch())[: runs - line.runs]
        await _sweep(lab, point, presses, line)
    # Two at once is what this scene is about; what stands in the end counts.
    line.verdicts = check(await lab.books(), never_two=False)
    return line


async def _sweep(lab: Lab, point: str, presses: list[Press], line: Line) -> None:
    for press in presses:
        await arm_late_create(lab, press)
    process, folder = lab.process(ADS_PUBLISHER), _new_folder(lab)

    async def lease_over(_: str) -> None:
        for press in presses:
            press.last_death_at = time.monotonic()
        # The lease of a sweep is a minute; the minute passes here.
        connection = await lab.connect()
        await connection.execute(
            "UPDATE ads_publisher.publish_attempts SET sweep_at = now() WHERE sweep_at IS NOT NULL"
        )
        await connection.close()

    process.on_death = lease_over
    await process.restart(deadly(folder, point, times=len(presses)))
    await lab.ready(ADS_PUBLISHER)
    await asyncio.gather(*(accept(press) for press in presses))
    until = time.monotonic() + CELL_SECONDS + DEATH_SECONDS * len(presses)
    await asyncio.gather(*(follow(press, until=until) for press in presses))
    while time.monotonic() < until and not await _is_swept(lab, presses):  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.2)
    process.on_death = None
    for press in presses:
        press.final_at = press.final_at and time.monotonic()
    lab.told += [press.told for press in presses if press.told]
    line.count(presses)
    line.deaths += _deaths(folder)
    line.faults += sum(await lab.sandbox.fault_hits())
    await process.restart()
    await lab.ready(ADS_PUBLISHER)
    await lab.sandbox.clear_faults()


def _new_folder(lab: Lab) -> Path:
    return Path(tempfile.mkdtemp(dir=lab.folder, prefix="scene-"))


def _deaths(folder: Path) -> int:
    """The marker files that deaths have left."""
    return len(list(folder.glob("*/*@*")))


async def _is_swept(lab: Lab, presses: list[Press]) -> bool:
    """Every press had its extra campaign, and every extra is gone again."""
    for press in presses:
        marker = f"pa-run-{press.run_id}"
        events = [
            entry["event"]
            for entry in await lab.sandbox.ledger(account=press.account)
            if entry.get("marker") == marker and entry.get("kind") == "campaign"
        ]
        if (events.count("created"), events.count("deleted")) != (2, 1):
            return False
    return True


async def oauth_scene(lab: Lab, point: str, *, runs: int) -> Line:
    """meta-auth dies between Meta's code and our row: nobody is half connected, and the next try connects."""
    process = lab.process(META_AUTH)
    line = Line(cell=Cell(point=point, fault="none", process=META_AUTH), runs=runs)
    for _ in range(runs):
        folder = _new_folder(lab)
        await process.restart(deadly(folder, point, times=1))
        async with Advertiser(lab.gateway_url) as customer:
            await customer.sign_up()
            await lab.ready(META_AUTH)
            refused = await _is_refused(customer)
            died_at = time.monotonic()
            await lab.ready(META_AUTH)
            status = (await customer.get("/meta/status"))["status"]
            if not refused or status != "disconnected":
                line.verdicts.append(Verdict(kind="wrong", run_id="", detail=f"half connected: {status}"))
            await customer.connect(persona="ada")
            line.seconds.append(time.monotonic() - died_at)
        line.deaths += _deaths(folder)
        line.met += 1
    return line


async def _is_refused(customer: Advertiser) -> bool:
    try:
        await customer.connect(persona="ada")
    except RefusedError:
        return True
    return False


async def deletion_scene(lab: Lab, point: str, *, runs: int) -> Line:
    """meta-auth dies after Meta was told that a deletion is on its way: it is carried out all the same."""
    process = lab.process(META_AUTH)
    line = Line(cell=Cell(point=point, fault="none", process=META_AUTH), runs=runs)
    for _ in range(runs):
        folder = _new_folder(lab)
        await process.restart(deadly(folder, point, times=1))
        async with Advertiser(lab.gateway_url) as customer:
            await customer.sign_up()
            await lab.ready(META_AUTH)
            await customer.connect(persona="ada")
            status = await customer.get("/meta/status")
            form = {"signed_request": _signed_request(status["metaUserId"], lab.credentials.app_secret)}
            answer = (await customer.request("POST", "/meta/data-deletion", data=form)).json()
            await eventually(lambda folder=folder: _count_deaths(folder), bool, seconds=CELL_SECONDS)
            died_at = time.monotonic()
            await lab.ready(META_AUTH)

            async def page(customer: Advertiser = customer, url: str = answer["url"]) -> str:
                return (await customer.request("GET", url)).text

            await eventually(page, lambda text: "have been deleted" in text, seconds=CELL_SECONDS)
            line.seconds.append(time.monotonic() - died_at)
            left = (await customer.get("/meta/status"))["status"]
            if left != "disconnected":
                line.verdicts.append(Verdict(kind="wrong", run_id="", detail=f"not erased: {left}"))
        line.deaths += _deaths(folder)
        line.met += 1
    return line


async def _count_deaths(folder: Path) -> int:
    return _deaths(folder)


def _signed_request(user_id: str, app_secret: str) -> str:
    payload = {"user_id": user_id, "algorithm": "HMAC-SHA256", "issued_at": int(time.time())}
    part = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=")
    signature = base64.urlsafe_b64encode(hmac.digest(app_secret.encode(), part, sha256)).rstrip(b"=")
    return f"{signature.decode()}.{part.decode()}"
