"""`deploy/kubernetes` is well formed, and each name in it leads to something that is there."""

import re
from collections.abc import Mapping
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from rendered import EXAMPLE, FOLDERS, ROOT, SERVICES, SOURCE, Document, Pod, Rendered

from ads_publisher.settings import Settings as PublisherSettings
from chassis.settings import ServiceSettings
from gateway.settings import GatewaySettings
from meta_auth.settings import Settings as MetaAuthSettings

OLDEST = "1.34.0"
NEWEST = "1.37.0"
SETTINGS: Mapping[str, type[ServiceSettings]] = {
    "gateway": GatewaySettings,
    "meta-auth": MetaAuthSettings,
    "ads-publisher": PublisherSettings,
}
DOCS = (ROOT / "docs" / "kubernetes.md").read_text()


def _service(pod: Pod) -> str:
    return pod.name.removesuffix("-migrate")


def _variables(settings: type[ServiceSettings]) -> dict[str, str]:
    """Variable names, each with its field."""
    names = {}
    for field, info in settings.model_fields.items():
        choices = getattr(info.validation_alias, "choices", None) or [info.validation_alias or field.upper()]
        names.update({str(name): field for name in choices})
    return names


def _plain(name: str) -> str:
    """A name without the hash that kustomize ends it with."""
    return re.sub(r"-[a-z0-9]{10}$", "", name)


def _used_secrets(*folders: Rendered) -> dict[str, set[str]]:
    used: dict[str, set[str]] = {}
    for pod in (pod for folder in folders for pod in folder.pods):
        for container in pod.containers:
            for mount in container["volumeMounts"]:
                for secret, key, _ in pod.secret_keys(mount["name"]):
                    used.setdefault(_plain(secret), set()).add(key)
    return used


def test_every_folder_with_a_kustomization_is_rendered_here() -> None:
    files = [file for file in SOURCE.rglob("kustomization.yaml") if "secrets" not in file.parts]
    roots = {
        str(file.parent.relative_to(SOURCE))
        for file in files
        if yaml.safe_load(file.read_text())["kind"] == "Kustomization"
    }
    assert roots == set(FOLDERS)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_object_satisfies_the_schemas_of_kubernetes(rendered: Rendered, version: str) -> None:
    for document in rendered.documents:
        used = kubernetes_validate.validate(dict(document), version, strict=True)
        assert used == version.rpartition(".")[0], "the schemas of this version are not there"


def test_the_example_puts_everything_into_one_namespace(all_rendered: dict[str, Rendered]) -> None:
    for folder in (EXAMPLE, f"{EXAMPLE}/migrate", f"{EXAMPLE}/provision"):
        objects = [item for item in all_rendered[folder].documents if item["kind"] != "Namespace"]
        assert {item["metadata"].get("namespace") for item in objects} == {"auto-ads"}


def test_the_base_and_the_migration_name_no_namespace_and_hold_no_secret(
    all_rendered: dict[str, Rendered],
) -> None:
    for folder in ("base", "migrate"):
        assert not all_rendered[folder].of_kind("Secret", "Namespace")
        assert all("namespace" not in item["metadata"] for item in all_rendered[folder].documents)


def test_every_config_map_that_a_pod_names_exists(rendered: Rendered) -> None:
    for pod in rendered.pods:
        for container in pod.containers:
            rendered.environment(container)  # a KeyError names the missing one


def test_the_docs_list_exactly_the_secrets_and_keys_that_pods_mount(
    base: Rendered, provisioning: Rendered
) -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| ((?:`[a-z_]+` ?)+)\|", DOCS, re.MULTILINE)
    listed = {name: set(re.findall(r"[a-z_]+", keys)) for name, keys in rows}
    assert listed == _used_secrets(base, provisioning)


def test_the_example_makes_every_secret_that_its_pods_mount(
    example: Rendered, provisioning: Rendered
) -> None:
    for folder in (example, provisioning):
        made = folder.secrets()
        for pod in folder.pods:
            volumes = {mount["name"] for container in pod.containers for mount in container["volumeMounts"]}
            for secret, key, file in (item for volume in volumes for item in pod.secret_keys(volume)):
                assert made[secret][key]
                assert file == key


def test_git_ignores_the_secrets_of_the_example() -> None:
    assert "secrets/" in (SOURCE / EXAMPLE / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("service", SERVICES)
def test_selectors_and_ports_lead_to_the_pods_of_their_service(base: Rendered, service: str) -> None:
    pod = base.pod(service)
    selector = {"app.kubernetes.io/name": service}
    selecting = [
        item
        for item in base.of_kind("Deployment", "PodDisruptionBudget")
        if item["metadata"]["name"] == service
    ]
    assert [item["spec"]["selector"]["matchLabels"] for item in selecting] == [selector, selector]
    assert pod.labels.items() >= selector.items()
    assert pod.ports()["http"] == SETTINGS[service].model_fields["port"].default
    assert pod.template["metadata"]["annotations"]["prometheus.io/port"] == str(pod.ports()["metrics"])
    assert base.environment(pod.containers[0])["OTEL_EXPORTER_PROMETHEUS_PORT"] == str(pod.ports()["metrics"])


def test_services_lead_to_those_that_are_called(base: Rendered) -> None:
    found = {item["metadata"]["name"]: item["spec"] for item in base.of_kind("Service")}
    assert set(found) == {"gateway", "meta-auth", "ads-publisher"}
    for name, spec in found.items():
        assert spec["selector"] == {"app.kubernetes.io/name": name}
        assert [(port["targetPort"], port["port"]) for port in spec["ports"]] == [
            ("http", base.pod(name).ports()["http"])
        ]
    for caller in ("gateway", "ads-publisher"):
        url = base.environment(base.pod(caller).containers[0])["META_AUTH_URL"]
        assert url == f"http://meta-auth:{found['meta-auth']['ports'][0]['port']}"
    url = base.environment(base.pod("gateway").containers[0])["ADS_PUBLISHER_URL"]
    assert url == f"http://ads-publisher:{found['ads-publisher']['ports'][0]['port']}"


def test_the_ingress_leads_to_the_gateway_by_tls(example: Rendered) -> None:
    spec = example.of_kind("Ingress")[0]["spec"]
    backend = spec["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "gateway", "port": {"name": "http"}}
    assert spec["tls"][0]["hosts"] == [spec["rules"][0]["host"]]
    assert example.environment(example.pod("gateway").containers[0])["PUBLIC_URL"] == (
        f"https://{spec['rules'][0]['host']}"
    )


def test_jobs_are_never_taken_for_the_service_whose_image_they_run(
    all_rendered: dict[str, Rendered], base: Rendered
) -> None:
    for pod in all_rendered["migrate"].pods:
        for service in base.of_kind("Service"):
            assert not service["spec"]["selector"].items() <= pod.labels.items()


def test_every_container_runs_a_command_of_its_service_as_the_image_expects_it(rendered: Rendered) -> None:
    for pod in rendered.pods:
        service = _service(pod)
        dockerfile = (ROOT / "services" / service / "Dockerfile").read_text()
        commands = import_module(f"{service.replace('-', '_')}.__main__").cli.registered_commands
        user = "{runAsUser}:{runAsGroup}".format(**pod.spec["securityContext"])
        assert f"\nUSER {user}\n" in dockerfile
        for container in pod.containers:
            assert re.split(r"[:@]", container["image"])[0].endswith(f"/{service}")
            assert container["args"][0] in {command.callback.__name__ for command in commands}
            assert f"SECRETS_DIR={_secrets_mount(container)['mountPath']}" in dockerfile.split()


def _secrets_mount(container: Document) -> Document:
    found: Document = next(mount for mount in container["volumeMounts"] if mount["name"] != "tmp")
    return found


def test_every_variable_is_a_setting_that_its_service_knows(rendered: Rendered) -> None:
    for pod in rendered.pods:
        known = set(_variables(SETTINGS[_service(pod)]))
        for container in pod.containers:
            assert set(rendered.environment(container)) <= known


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_accepts_what_the_example_gives_it(
    example: Rendered, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = example.pod(service)
    settings = _load(example, pod, pod.containers[0], tmp_path, monkeypatch)
    values = _mounted(example, pod, pod.containers[0])
    assert settings.environment == "production"
    assert settings.database_url.get_secret_value() == values["database_url"]
    assert settings.redis_url.get_secret_value() == values["redis_url"]
    for name, value in example.environment(pod.containers[0]).items():
        shown = getattr(settings, _variables(SETTINGS[service])[name])
        assert str(shown).lower() in {value.lower(), f"{value}.0"}, name


@pytest.mark.parametrize("service", SERVICES)
def test_each_job_gets_the_addresses_that_its_command_needs_and_no_other(
    provisioning: Rendered, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = provisioning.pod(f"{service}-migrate")
    provision, migrate = pod.containers
    owner = f"postgresql://{service.replace('-', '_')}_owner:"
    assert _mounted(provisioning, pod, migrate).keys() == {"migration_database_url"}
    assert _load(provisioning, pod, migrate, tmp_path / "migrate", monkeypatch).migration_url.startswith(
        owner
    )
    settings = _load(provisioning, pod, provision, tmp_path / "provision", monkeypatch)
    assert settings.admin_database_url is not None
    assert settings.migration_url.startswith(owner)
    assert settings.database_url.get_secret_value().startswith(owner.replace("_owner", ""))


def _mounted(folder: Rendered, pod: Pod, container: Document) -> dict[str, str]:
    made = folder.secrets()
    keys = pod.secret_keys(_secrets_mount(container)["name"])
    return {file: made[secret][key] for secret, key, file in keys}


def _load(
    folder: Rendered, pod: Pod, container: Document, target: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Load the service's settings from variables and files, the files laid out as the kubelet does it."""
    data = target / "..2026_11_25_12_00_00.1"
    data.mkdir(parents=True)
    (target / "..data").symlink_to(data.name)
    for file, value in _mounted(folder, pod, container).items():
        (data / file).write_text(value)
        (target / file).symlink_to(f"..data/{file}")
    cls = SETTINGS[_service(pod)]
    for name in _variables(cls):
        monkeypatch.delenv(name, raising=False)
    for name, value in folder.environment(container).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SECRETS_DIR", str(target))
    return cls.load()


def test_the_secrets_of_two_services_do_not_overlap(base: Rendered) -> None:
    """Each file is read by one service only, so that none of them can act as another."""
    mounted = [{secret for secret, _, _ in base.pod(service).secret_keys("secrets")} for service in SERVICES]
    assert not any(one & other for one, other in combinations(mounted, 2))
