"""Containers or embedded servers: what was asked for, else what is here, and always with the reason."""

from pathlib import Path

import pytest

from local_stack.server_choice import Choice, ChoiceError


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` command of ours, first on the path; the test writes what it does."""
    program = tmp_path / "docker"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return program


@pytest.mark.parametrize("asked", ["containers", "embedded"])
def test_what_the_variable_says_is_done(asked: str) -> None:
    choice = Choice.make({"TEST_SERVERS": asked})
    assert choice.containers is (asked == "containers")
    assert "since TEST_SERVERS says so" in str(choice)


def test_another_value_is_refused_by_name() -> None:
    with pytest.raises(ChoiceError, match="TEST_SERVERS='docker' is neither 'containers' nor 'embedded'"):
        Choice.make({"TEST_SERVERS": "docker"})


def test_without_a_docker_command_the_servers_are_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Choice.make({}) == Choice(False, "there is no docker command")


def test_an_engine_that_does_not_answer_is_not_used(engine: Path) -> None:
    engine.write_text("#!/bin/sh\nexit 1\n")
    assert Choice.make({}) == Choice(False, "no Docker engine answers")


def test_an_image_is_never_pulled_for_a_test(engine: Path) -> None:
    engine.write_text('#!/bin/sh\n[ "$1" = version ] || [ "$3" = redis:7 ]\n')
    assert Choice.make({}) == Choice(False, "the Docker engine would have to pull postgres:17 first")


def test_an_engine_that_has_the_images_is_used(engine: Path) -> None:
    engine.write_text("#!/bin/sh\nexit 0\n")
    choice = Choice.make({})
    assert choice.containers
    assert str(choice).startswith(
        "servers: containers of postgres:17 and redis:7, since a Docker engine answers"
    )
