"""Every folder of `deploy/kubernetes`, rendered once."""

import pytest
from rendered import EXAMPLE, FOLDERS, Rendered, copy_with_secrets, render


@pytest.fixture(scope="session")
def all_rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    tree = copy_with_secrets(tmp_path_factory.mktemp("deploy"))
    return {folder: render(tree / folder) for folder in FOLDERS}


@pytest.fixture(params=FOLDERS)
def rendered(request: pytest.FixtureRequest, all_rendered: dict[str, Rendered]) -> Rendered:
    """Each folder in turn."""
    return all_rendered[request.param]


@pytest.fixture
def base(all_rendered: dict[str, Rendered]) -> Rendered:
    return all_rendered["base"]


@pytest.fixture
def example(all_rendered: dict[str, Rendered]) -> Rendered:
    return all_rendered[EXAMPLE]


@pytest.fixture
def provisioning(all_rendered: dict[str, Rendered]) -> Rendered:
    """The example's first migration: Jobs that make schema and roles, then migrate."""
    return all_rendered[f"{EXAMPLE}/provision"]
