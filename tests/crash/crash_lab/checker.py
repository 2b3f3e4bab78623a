"""Compares three ledgers: what clients were told, what our database says, what stands at "Meta".

Pure: books in, verdicts out. None is the only good answer.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["lost", "duplicate", "stuck", "ghost", "wrong"]
KINDS: tuple[Kind, ...] = ("lost", "duplicate", "stuck", "ghost", "wrong")
FINAL = ("success", "failed")
STEPS = ("campaign", "adset")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one client was told: its run was accepted, and, if it was, how it ended."""

    run_id: str
    customer_id: str
    account: str
    status: str | None = None
    campaign_id: str | None = None
    adset_id: str | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """`gateway.ad_runs`, joined with whether the publisher has a job for it, and that job's state."""

    run_id: str
    customer_id: str
    status: str
    campaign_id: str | None
    adset_id: str | None
    job_status: str | None


@dataclass(frozen=True, kw_only=True)
class Journaled:
    """An object that the journal calls alive."""

    run_id: str
    step: str
    object_id: str


@dataclass(frozen=True, kw_only=True)
class MetaObject:
    """What stands at Meta and is not deleted."""

    object_id: str
    step: str
    account: str
    parent_id: str | None
    run_id: str | None


@dataclass(frozen=True, kw_only=True)
class Change:
    """One line of Meta's ledger about an object: it was created, updated or deleted."""

    event: str
    object_id: str
    step: str
    run_id: str | None
    status: str


@dataclass(frozen=True, kw_only=True)
class Books:
    told: list[Told] = field(default_factory=list)
    runs: list[RunRow] = field(default_factory=list)
    journal: list[Journaled] = field(default_factory=list)
    objects: list[MetaObject] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, order=True)
class Verdict:
    kind: Kind
    run_id: str
    detail: str


def check(
    books: Books, *, may_fail: Callable[[Told], bool] = lambda _: False, never_two: bool = True
) -> list[Verdict]:
    """Everything that is not as promised.

    `may_fail` names the failed runs that are no fault of ours. `never_two` asks that there were never two
    objects of a run and step at the same time; without it only what stands in the end counts.
    """
    rows = {row.run_id: row for row in books.runs}
    found: list[Verdict] = []
    for told in books.told:
        found += _answers(told, rows.get(told.run_id))
        if told.status == "failed" and not may_fail(told):
            found.append(_wrong(told.run_id, f"failed: {told.error}"))
        if told.status == "success":
            found += _ids(told, books)
    found += _ghosts(books)
    found += _duplicates(books)
    if never_two:
        found += _at_once(books.changes)
    found += [
        _wrong(change.run_id, f"{change.step} {change.object_id} was {change.event} as {change.status}")
        for change in books.changes
        if change.event in ("created", "updated") and change.status != "PAUSED"
    ]
    return sorted(set(found))


def counts(verdicts: Iterable[Verdict]) -> dict[Kind, int]:
    """How many of each kind."""
    found = list(verdicts)
    return {kind: sum(verdict.kind == kind for verdict in found) for kind in KINDS}


def _wrong(run_id: str | None, detail: str) -> Verdict:
    return Verdict(kind="wrong", run_id=run_id or "", detail=detail)


def _answers(told: Told, row: RunRow | None) -> list[Verdict]:
    if row is None:
        return [Verdict(kind="lost", run_id=told.run_id, detail="accepted, but there is no such run")]
    if told.status not in FINAL or row.status not in FINAL:
        if row.job_status is None:
            return [Verdict(kind="lost", run_id=told.run_id, detail="nobody works on it")]
        detail = f"run {row.status}, job {row.job_status}"
        return [Verdict(kind="stuck", run_id=told.run_id, detail=detail)]
    found = []
    for name in ("customer_id", "status", "campaign_id", "adset_id"):
        ours, theirs = getattr(row, name), getattr(told, name)
        if ours != theirs:
            found.append(_wrong(told.run_id, f"{name} is {ours}, the client was told {theirs}"))
    if row.job_status not in ("done", "failed"):
        found.append(_wrong(told.run_id, f"final for the client, but its job is {row.job_status}"))
    return found


def _ids(told: Told, books: Books) -> list[Verdict]:
    """The two ids of a success: live, of this customer, in this account, one below the other, journaled."""
    standing = {each.object_id: each for each in books.objects}
    mine = {each.run_id for each in books.told if each.customer_id == told.customer_id}
    journaled = {(each.step, each.object_id) for each in books.journal if each.run_id in mine}
    found = []
    for step, object_id in (("campaign", told.campaign_id), ("adset", told.adset_id)):
        there = standing.get(object_id or "")
        if there is None or there.step != step:
            found.append(_wrong(told.run_id, f"there is no {step} {object_id}"))
            continue
        if there.account != told.account:
            found.append(_wrong(told.run_id, f"{step} {object_id} is in account {there.account}"))
        if there.run_id not in mine:
            found.append(_wrong(told.run_id, f"{step} {object_id} belongs to run {there.run_id}"))
        if step == "adset" and there.parent_id != told.campaign_id:
            found.append(_wrong(told.run_id, f"adset {object_id} is below {there.parent_id}"))
        if (step, object_id) not in journaled:
            found.append(_wrong(told.run_id, f"{step} {object_id} is not in the journal"))
    return found


def _ghosts(books: Books) -> list[Verdict]:
    known = {told.run_id for told in books.told}
    return [
        Verdict(kind="ghost", run_id=each.run_id or "", detail=f"{each.step} {each.object_id} of no run")
        for each in books.objects
        if each.run_id not in known
    ]


def _duplicates(books: Books) -> list[Verdict]:
    """More than one live object of one run, or of one customer in one ad account, for one step."""
    customers = {told.run_id: told.customer_id for told in books.told}
    groups: dict[tuple[str, ...], list[MetaObject]] = defaultdict(list)
    for each in books.objects:
        if each.run_id in customers:
            groups["of the run", each.run_id, each.step].append(each)
            groups["of the customer", customers[each.run_id], each.account, each.step].append(each)
    return [
        Verdict(
            kind="duplicate",
            run_id=live[0].run_id or "",
            detail=f"{len(live)} live {key[-1]}s {key[0]}: {', '.join(each.object_id for each in live)}",
        )
        for key, live in groups.items()
        if len(live) > 1
    ]


def _at_once(changes: Iterable[Change]) -> list[Verdict]:
    """Two objects of one run and step that lived at the same time, though perhaps not to the end."""
    living: dict[tuple[str | None, str], set[str]] = defaultdict(set)
    found = []
    for change in changes:
        alive = living[change.run_id, change.step]
        if change.event == "created":
            alive.add(change.object_id)
            if len(alive) > 1:
                detail = f"{len(alive)} {change.step}s lived at once"
                found.append(Verdict(kind="duplicate", run_id=change.run_id or "", detail=detail))
        elif change.event == "deleted":
            alive.discard(change.object_id)
    return found
