"""At every failpoint, with every Graph fault that makes sense there, a process dies; nothing comes of it.

The whole matrix is run once, several systems side by side; each test looks at one line of it.
"""

import pytest
import pytest_asyncio
from crash_lab import points
from crash_lab.campaign import Results, run_matrix
from crash_lab.matrix import Cell, cells
from crash_lab.report import bad_ones, total
from crash_lab.zombies import ANSWERED, IN_FLIGHT, LATE, LONG_FREEZE_SECONDS, SCENES

RUNS = 5
pytestmark = pytest.mark.timeout(900)


@pytest_asyncio.fixture(scope="module")
async def matrix() -> Results:
    """Every line with five runs."""
    return await run_matrix(runs=RUNS)


@pytest.mark.parametrize("cell", cells(), ids=lambda cell: f"{cell.point}-{cell.process}-{cell.fault}")
async def test_a_death_there_leaves_one_campaign_one_ad_set_and_a_final_answer(
    matrix: Results, cell: Cell
) -> None:
    [line] = [line for line in matrix.lines if line.cell == cell]
    assert line.verdicts == []
    assert line.runs == RUNS
    assert line.deaths >= RUNS
    assert line.met == RUNS
    assert line.faults == (0 if cell.fault == "none" else RUNS)


@pytest.mark.parametrize(("scene", "step"), SCENES)
async def test_a_publisher_that_wakes_too_late_changes_nothing(
    matrix: Results, scene: str, step: str
) -> None:
    [line] = [line for line in matrix.lines if line.cell.fault == scene and step in line.cell.point]
    assert line.verdicts == []
    assert line.runs == line.frozen == line.met == RUNS
    assert line.faults == (RUNS if scene in (IN_FLIGHT, LATE) else 0)


@pytest.mark.parametrize("step", points.STEPS)
async def test_runs_of_a_frozen_publisher_are_final_elsewhere_within_twenty_seconds(
    matrix: Results, step: str
) -> None:
    [line] = [line for line in matrix.lines if line.cell.fault == ANSWERED and step in line.cell.point]
    assert max(line.seconds) < min(20, LONG_FREEZE_SECONDS)


@pytest.mark.parametrize("point", [*points.SWEEP, *points.OAUTH])
async def test_a_death_while_sweeping_or_connecting_is_made_good(matrix: Results, point: str) -> None:
    [line] = [line for line in matrix.lines if line.cell.point == point]
    assert line.verdicts == []
    assert line.deaths == RUNS


async def test_every_failpoint_was_hit_and_nothing_came_to_light_afterwards(matrix: Results) -> None:
    hit = {line.cell.point for line in matrix.lines if line.deaths}
    assert points.in_source() <= hit
    assert matrix.afterwards == []
    assert list(bad_ones(matrix)) == [], total(matrix, runs=RUNS)
