"""Bugs that the suite must catch: each is one small change of the source, and the tests that should mind.

A bug is planted in a copy of the tree, never here. The copy has an interpreter of its own that finds the
copied packages first, so processes that tests start run the planted code too.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from crash_lab.points import ROOT

PUBLISHER = "services/ads-publisher/src/ads_publisher"
UNIT = "services/ads-publisher/tests/unit"
STORE_TESTS = "services/ads-publisher/tests/integration/test_store.py"
REPORT_TESTS = "services/ads-publisher/tests/integration/test_reports.py"
EDGES = "tests/crash/test_edges.py"
BAD_DAYS = "tests/e2e/test_bad_days.py"
COPIED = ("libs", "services", "sandbox", "deploy", "tests", "pyproject.toml")
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::\w+)", re.MULTILINE)
SECONDS = 1200.0
"""More than any selection of tests takes on a loaded machine."""
TESTS_FAILED = 1
"""Exit code of pytest; others mean that it could not do its work."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """`old` is in `file` exactly once; `tests` is what pytest is given."""

    bug: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def _named(path: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{path}::{name}" for name in names)


MUTANTS = (
    Mutant(
        bug="no look-up: a lost answer is always taken for a lost create",
        file=f"{PUBLISHER}/settling.py",
        old="hits = await find_by_marker(run.graph, run.access, attempt)",
        new="hits: list[str] = []",
        tests=_named(BAD_DAYS, "test_an_answer_lost_after_the_create_is_found_again_within_seconds"),
    ),
    Mutant(
        bug="no wait: what is not found at once is created again",
        file=f"{PUBLISHER}/settling.py",
        old="if now >= attempt.not_before:",
        new="if True:",
        tests=_named(BAD_DAYS, "test_a_create_that_never_happened_is_tried_again_after_the_admit_window"),
    ),
    Mutant(
        bug="no journal: the intent is written after the call",
        file=f"{PUBLISHER}/creating.py",
        old="""\
    async with run.report(move.step, move.number) as news:
        _intend(run, news, wanted)
""",
        new="""\
    edge, stamp = f"{move.step}s", int(__import__("time").time())
    _ = await run.graph.create(run.access, edge, wanted.params, proof_time=stamp)
    async with run.report(move.step, move.number) as news:
        _intend(run, news, wanted)
""",
        tests=_named(
            BAD_DAYS, "test_a_publisher_killed_between_metas_commit_and_its_answer_makes_no_second_object"
        ),
    ),
    Mutant(
        bug="an intent without an answer counts for nothing",
        file=f"{PUBLISHER}/saga.py",
        old='return self.outcome in (None, "unknown")',
        new='return self.outcome == "unknown"',
        tests=(f"{UNIT}/test_saga.py",),
    ),
    Mutant(
        bug="a doubt of an earlier run is forgotten",
        file=f"{PUBLISHER}/saga.py",
        old="        if attempt.unsettled:\n",
        new="        if attempt.unsettled and attempt.job_id == job_id:\n",
        tests=(f"{UNIT}/test_saga.py",),
    ),
    Mutant(
        bug="the proof is stamped when the call is sent",
        file=f"{PUBLISHER}/creating.py",
        old="params, proof_time=proof_time)",
        new='params, proof_time=int(__import__("time").time()))',
        tests=_named(EDGES, "test_a_create_that_arrives_after_the_window_is_refused_by_meta"),
    ),
    Mutant(
        bug="a 5xx with an error body is taken for a refusal",
        file=f"{PUBLISHER}/outcomes.py",
        old="if CLIENT_ERROR <= status < SERVER_ERROR and error:\n        if error.passing:",
        new="if CLIENT_ERROR <= status and error:\n        if error.code in (1, 2) or error.is_transient:",
        tests=(f"{UNIT}/test_outcomes.py",),
    ),
    Mutant(
        bug="code 2 is taken for a refusal",
        file=f"{PUBLISHER}/outcomes.py",
        old="_UNKNOWN_CODES: Final = frozenset({1, 2})",
        new="_UNKNOWN_CODES: Final = frozenset({1})",
        tests=(f"{UNIT}/test_outcomes.py",),
    ),
    Mutant(
        bug="a read timeout is taken for not sent",
        file=f"{PUBLISHER}/outcomes.py",
        old="httpx.ConnectTimeout, httpx.PoolTimeout,",
        new="httpx.TimeoutException,",
        tests=(f"{UNIT}/test_outcomes.py",),
    ),
    Mutant(
        bug="somebody else's campaign is adopted: the marker is not compared",
        file=f"{PUBLISHER}/reconcile.py",
        old="        if wanted in _labels(row)\n        and row.get",
        new="        if row.get",
        tests=_named(EDGES, "test_a_lost_answer_is_never_answered_by_the_campaign_of_somebody_else"),
    ),
    Mutant(
        bug="an attempt takes a second answer",
        file=f"{PUBLISHER}/report_store.py",
        old="WHERE attempt.id = $11 AND (attempt.outcome IS NULL OR attempt.outcome = 'unknown')",
        new="WHERE attempt.id = $11",
        tests=(STORE_TESTS,),
    ),
    Mutant(
        bug="a zombie may write: news are not guarded by the fence",
        file=f"{PUBLISHER}/report_store.py",
        old="WHERE job.id = $1 AND job.fence = $2 AND",
        new="WHERE job.id = $1 AND $2::int > 0 AND",
        tests=(STORE_TESTS,),
    ),
    Mutant(
        bug="a report reaches into the journal of another customer",
        file=f"{PUBLISHER}/report_store.py",
        old="      AND attempt.customer_id = held.customer_id\n",
        new="",
        tests=(REPORT_TESTS,),
    ),
    Mutant(
        bug="a report without its lease takes those along that were ready with it",
        file="libs/chassis/src/chassis/batches.py",
        old="if len(wanted) > 1 and not isinstance(exc, Unavailable):",
        new="if False:",
        tests=(REPORT_TESTS,),
    ),
    Mutant(
        bug="a run that is stopped stops the reports that are written with its own",
        file="libs/chassis/src/chassis/batches.py",
        old="            self._writers.add(asyncio.create_task(self._write_arrived(), context=Context()))\n",
        new="            await self._write_arrived()\n",
        tests=(REPORT_TESTS,),
    ),
    Mutant(
        bug="two runs of one ad account at once: the lane is not looked at",
        file=f"{PUBLISHER}/store.py",
        old="WHERE other.lane = job.lane AND other.id <> job.id",
        new="WHERE other.lane = job.lane AND other.id <> job.id AND false",
        tests=(STORE_TESTS,),
    ),
    Mutant(
        bug="the window is not enforced: the proof is not backdated",
        file=f"{PUBLISHER}/creating.py",
        old="backdate = PROOF_VALID_SECONDS - window",
        new="backdate = 0",
        tests=_named(EDGES, "test_a_create_that_arrives_after_the_window_is_refused_by_meta"),
    ),
    Mutant(
        bug="the sweeper deletes what is not PAUSED",
        file=f"{PUBLISHER}/sweep.py",
        old='if node.get("status") != "PAUSED":',
        new='if node.get("status") is None:',
        tests=_named(
            EDGES,
            "test_an_extra_that_is_active_or_has_ads_or_has_spent_is_left_alone_and_the_run_says_why",
        ),
    ),
    Mutant(
        bug="the sweeper never runs",
        file=f"{PUBLISHER}/sweep.py",
        old="        for attempt, job, ad_account_id, sweeps in due:\n",
        new="        for attempt, job, ad_account_id, sweeps in due[:0]:\n",
        tests=_named(EDGES, "test_an_extra_that_is_paused_and_unspent_is_deleted_and_the_run_says_so"),
    ),
    Mutant(
        bug="entries are acknowledged before they are handled",
        file="libs/chassis/src/chassis/streams.py",
        old="            await handler(event)\n",
        new="            await self._acknowledge(entry)\n            await handler(event)\n",
        tests=("libs/chassis/tests/test_streams.py",),
    ),
    Mutant(
        bug="the relay marks before it sends",
        file="libs/chassis/src/chassis/outbox.py",
        old='        await failpoint("relay.before_xadd")\n',
        new="""\
        await connection.execute(
            "UPDATE outbox SET sent_at = now() WHERE id = ANY($1::bigint[])", [row["id"] for row in rows]
        )
""",
        tests=("libs/chassis/tests/test_outbox.py",),
    ),
    Mutant(
        bug="late news undo newer ones: no version guard",
        file="services/gateway/src/gateway/projection.py",
        old="is_late = event.data.version <= run.last_version",
        new="is_late = event.data.version < 0",
        tests=("services/gateway/tests/unit/test_projection.py",),
    ),
    Mutant(
        bug="every delivery counts as the first",
        file="libs/chassis/src/chassis/inbox.py",
        old="ON CONFLICT DO NOTHING",
        new="ON CONFLICT (event_id) DO UPDATE SET event_id = excluded.event_id",
        tests=("libs/chassis/tests/test_inbox.py",),
    ),
)


def applied(mutant: Mutant, root: Path = ROOT) -> str:
    """The file with the bug in it.

    Raises:
        ValueError: the place is not there, or is there more than once.
    """
    text = (root / mutant.file).read_text()
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.bug}: found {text.count(mutant.old)} times in {mutant.file}")
    return text.replace(mutant.old, mutant.new)


def hunt(mutants: Iterable[Mutant], tell: Callable[[str], None]) -> list[Mutant]:
    """Plant one bug after the other and run its tests; returns the bugs that nobody minded."""
    chosen = list(mutants)
    for mutant in chosen:
        applied(mutant)
    with tempfile.TemporaryDirectory(prefix="project-auto-mutants-") as folder:
        tree = Tree(Path(folder))
        clean = tree.run({test for mutant in chosen for test in mutant.tests})
        if clean.returncode:
            raise RuntimeError(f"the tests fail without any bug:\n{clean.stdout[-4000:]}")
        tell(f"without a bug: {clean.stdout.strip().splitlines()[-1]}")
        return [mutant for mutant in chosen if not _is_caught(tree, mutant, tell)]


def _is_caught(tree: "Tree", mutant: Mutant, tell: Callable[[str], None]) -> bool:
    since = time.monotonic()
    path = tree.source / mutant.file
    clean = path.read_text()
    path.write_text(applied(mutant, tree.source))
    try:
        done = tree.run(mutant.tests)
    finally:
        path.write_text(clean)
    took = time.monotonic() - since
    found = FAILED.search(done.stdout)
    if done.returncode == TESTS_FAILED and found:
        tell(f"caught    {mutant.bug}  <-  {found[1]}  ({took:.0f} s)")
        return True
    tell(f"SURVIVED  {mutant.bug}  (pytest ended with {done.returncode})\n{done.stdout[-1500:]}")
    return False


class Tree:
    """A copy of the source with an interpreter that finds it first."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "tree"
        self.source.mkdir()
        for name in COPIED:
            place = ROOT / name
            if place.is_dir():
                shutil.copytree(
                    place,
                    self.source / name,
                    ignore=shutil.ignore_patterns("__pycache__", ".venv", ".*_cache"),
                )
            else:
                shutil.copy(place, self.source / name)
        self._python = self._make_python(folder / "venv")

    def _make_python(self, place: Path) -> Path:
        venv.create(place, with_pip=False, symlinks=True)
        [site] = place.glob("lib/python*/site-packages")
        copied = sorted(str(path) for path in self.source.glob("*/src")) + sorted(
            str(path) for path in self.source.glob("*/*/src")
        )
        # What is installed here, its links to our own source included, comes after the copy.
        installed = sysconfig.get_path("purelib")
        lines = [*copied, f"import site; site.addsitedir({installed!r})"]
        (site / "a_copy.pth").write_text("\n".join(lines) + "\n")
        return place / "bin" / Path(sys.executable).name

    def run(self, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
        """Run these tests on the copy, up to the first failure."""
        pytest = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        command = [str(self._python), "-B", *pytest, *sorted(tests)]
        return subprocess.run(  # noqa: S603 - our own argument list
            command, cwd=self.source, capture_output=True, text=True, timeout=SECONDS, check=False
        )
