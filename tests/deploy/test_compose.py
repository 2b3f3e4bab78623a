"""Compose files and Dockerfiles keep the rules that make a container hard to abuse and quick to come back."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SERVICES = {"gateway", "meta-auth", "ads-publisher"}
ONCE = {"secrets"} | {f"{service}-setup" for service in SERVICES}
SEEING = {"otel-collector", "jaeger"}
FOREIGN = {"postgres", "redis", "proxy"} | SEEING
"""Images of others that name their user in the compose file; ours do it in the Dockerfile."""
DOCKERFILES = {
    **{f"project-auto-ads/{name}": ROOT / "services" / name / "Dockerfile" for name in SERVICES},
    "project-auto-ads/sandbox": ROOT / "sandbox" / "Dockerfile",
    "project-auto-ads/secrets": ROOT / "deploy" / "secrets" / "Dockerfile",
}


class _Loader(yaml.SafeLoader):
    """Reads Compose's own tag as well."""


_Loader.add_constructor("!reset", lambda *_: None)


def read(name: str) -> dict[str, Any]:
    return dict(yaml.load((ROOT / "deploy" / name).read_text(), Loader=_Loader))  # noqa: S506 - a safe one


BASE = read("compose.yaml")
SCALE = read("compose.scale.yaml")
CONTAINERS = {**BASE["services"], "proxy": SCALE["services"]["proxy"]}
LASTING = sorted(CONTAINERS.keys() - ONCE - {name for name, each in CONTAINERS.items() if "profiles" in each})


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_a_container_can_write_nowhere_gain_nothing_and_take_only_its_share(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["pids_limit"] <= 128
    assert any(each.startswith("/tmp:size=") for each in container["tmpfs"])  # noqa: S108 - the container's own
    assert re.fullmatch(r"\d+[mg]", container["mem_limit"])
    assert container["logging"]["options"].keys() == {"max-size", "max-file"}
    assert not container.keys() & {"privileged", "cap_add", "devices", "pid", "ipc"}
    assert all("docker.sock" not in str(volume) for volume in container.get("volumes", []))


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_a_container_does_not_run_as_root(name: str) -> None:
    container = CONTAINERS[name]
    if name in FOREIGN:
        assert container["user"] not in ("root", "0", "0:0")
    else:
        users = re.findall(r"^USER (\S+)", DOCKERFILES[container["image"]].read_text(), re.MULTILINE)
        assert "user" not in container
        assert users == ["10001:10001"]


@pytest.mark.parametrize("name", LASTING)
def test_what_dies_is_started_again_and_what_hangs_shows_as_unhealthy(name: str) -> None:
    container = CONTAINERS[name]
    assert container["restart"] == "always"
    own = DOCKERFILES.get(container["image"])
    # The proxy answers nothing of its own: what it passes on is checked where it comes from.
    assert name == "proxy" or "healthcheck" in container or (own and "HEALTHCHECK" in own.read_text())


def test_only_the_door_is_published_and_on_this_host_only_unless_told_otherwise() -> None:
    published = {name: each["ports"] for name, each in CONTAINERS.items() if each.get("ports")}
    # A browser has to reach the sandbox, as it reaches facebook.com, and the viewer. Neither runs unasked.
    assert published.keys() == {"gateway", "proxy", "sandbox", "jaeger"}
    assert (CONTAINERS["sandbox"]["profiles"], CONTAINERS["jaeger"]["profiles"]) == (
        ["sandbox"],
        ["observability"],
    )
    assert all("127.0.0.1" in port for ports in published.values() for port in ports)
    # With the proxy as the door, the gateways have none.
    assert SCALE["services"]["gateway"]["ports"] is None


def test_the_servers_and_the_internal_api_are_on_a_network_without_a_way_out() -> None:
    assert BASE["networks"]["backend"]["internal"] is True
    for name in ("postgres", "redis", *(f"{service}-setup" for service in SERVICES)):
        assert BASE["services"][name]["networks"] == ["backend"]
    # Only who talks to Meta can reach Meta, and services reach each other by no other way.
    for name in ("meta-auth", "ads-publisher"):
        assert BASE["services"][name]["networks"] == ["backend", f"{name}-out"]
        on_it = {
            each for each in BASE["services"] if f"{name}-out" in BASE["services"][each].get("networks", [])
        }
        assert on_it == {name, "sandbox"}


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_secrets_come_from_files_and_each_reader_sees_its_own(name: str) -> None:
    container = CONTAINERS[name]
    for variable in container.get("environment", {}):
        secret = re.search(r"PASSWORD(?!S)|SECRET|TOKEN|_KEY|DATABASE_URL|REDIS_URL", variable)
        assert secret is None or variable.endswith(("_FILE", "_DIR")), variable
    own = {str(mount) for mount in container.get("volumes", []) if str(mount).startswith("secrets-")}
    if name == "secrets":
        assert own == {f"{volume}:/secrets/{volume.removeprefix('secrets-')}" for volume in SECRET_VOLUMES}
    else:
        reader = f"setup-{name.removesuffix('-setup')}" if name in ONCE else name
        assert own == (set() if name in SEEING | {"proxy"} else {f"secrets-{reader}:/run/secrets/app:ro"})


SECRET_VOLUMES = {name for name in BASE["volumes"] if name.startswith("secrets-")}


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_starts_after_its_migrations_and_when_its_servers_answer(service: str) -> None:
    waits = CONTAINERS[service]["depends_on"]
    assert waits[f"{service}-setup"] == {"condition": "service_completed_successfully"}
    assert waits["redis"] == {"condition": "service_healthy"}
    assert CONTAINERS[f"{service}-setup"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_nothing_is_published_for_real_unless_somebody_says_so() -> None:
    environment = CONTAINERS["ads-publisher"]["environment"]
    assert environment["ALLOW_REAL_META_WRITE"] == "${ALLOW_REAL_META_WRITE:-false}"
    assert environment["ENVIRONMENT"] == "${ENVIRONMENT:-production}"
    assert CONTAINERS["meta-auth"]["environment"]["ALLOW_DEV_META"] == "${ALLOW_DEV_META:-false}"


def test_no_compose_file_has_the_obsolete_version_key() -> None:
    assert "version" not in BASE
    assert "version" not in SCALE


@pytest.mark.parametrize("image", sorted(DOCKERFILES))
def test_an_image_is_built_in_stages_from_pinned_packages_and_leaves_the_tools_behind(image: str) -> None:
    text = DOCKERFILES[image].read_text().partition("\n")[2]
    console = ["$NODE_IMAGE"] if image.endswith("/gateway") else []
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert bases == ["$PYTHON_IMAGE", *console, "$PYTHON_IMAGE"]
    build, *_, final = text.split("\nFROM ")[1:]
    installs = re.findall(r"pip install[^&\n]*", build)
    assert installs
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    assert "pip uninstall" in final
    assert "pip install" not in final
    assert 'LABEL org.opencontainers.image.title="' in final
    assert "HEALTHCHECK" in final or image.endswith("/secrets")


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_every_image_of_others_can_be_pinned_by_a_variable(name: str) -> None:
    container = CONTAINERS[name]
    if name in FOREIGN:
        assert re.fullmatch(r"\$\{[A-Z_]+_IMAGE:-[\w./-]+:[\w.]+\}", container["image"])
        return
    dockerfile = DOCKERFILES[container["image"]].read_text()
    defaults = re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", dockerfile.partition("\nFROM ")[0], re.MULTILINE)
    assert container["build"]["args"] == {image: f"${{{image}:-{default}}}" for image, default in defaults}
    assert set(re.findall(r"^FROM \$(\w+)", dockerfile, re.MULTILINE)) == {image for image, _ in defaults}


def test_the_gateway_s_image_has_the_console_and_is_where_meta_s_dialog_leads_back_to() -> None:
    stages = DOCKERFILES["project-auto-ads/gateway"].read_text().split("\nFROM ")
    console, final = stages[-2:]
    assert "npm ci" in console
    assert "npm install" not in console
    assert "COPY --from=console /src/frontend/dist /opt/console\n" in final
    assert "CONSOLE_DIR=/opt/console\n" in final
    assert BASE["services"]["gateway"]["environment"]["APP_URL"].endswith("/console}")


@pytest.mark.parametrize(
    "member", ["services/gateway", "services/meta-auth", "services/ads-publisher", "sandbox"]
)
def test_an_image_holds_the_versions_that_the_tests_ran_with(member: str) -> None:
    """When this fails: `make lock`."""
    ours = pinned(ROOT / member / "requirements.lock")
    tested = pinned(ROOT / "requirements.lock")
    assert len(ours) > 20
    assert ours <= tested


def pinned(path: Path) -> set[tuple[str, str]]:
    return set(re.findall(r"^([a-z0-9][\w.\-\[\],]*)==([^\s;]+)", path.read_text(), re.MULTILINE))
