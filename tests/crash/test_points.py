"""The matrix knows every place at which a process can be made to die."""

from crash_lab import points
from crash_lab.matrix import cells
from crash_lab.zombies import SCENES


def test_the_failpoints_in_the_source_are_those_of_the_matrix() -> None:
    assert points.in_source() == points.ALL


def test_every_failpoint_has_a_line_in_the_matrix_or_a_scene() -> None:
    assert {cell.point for cell in cells()} | {*points.SWEEP, *points.OAUTH, *points.DELETION} == points.ALL


def test_every_line_is_there_once_and_zombies_wake_in_both_steps() -> None:
    assert len(set(cells())) == len(cells())
    assert {step for _, step in SCENES} == set(points.STEPS)
