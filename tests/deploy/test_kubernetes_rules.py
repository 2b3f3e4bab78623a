"""What `deploy/kubernetes` must never lose: hardening, probes, room for a rolling update, closed networks."""

import pytest
import yaml
from reach import Peer, may_reach
from rendered import EXAMPLE, ROOT, SERVICES, Document, Pod, Rendered

from chassis.server import DRAIN_SECONDS

LIVE = {"gateway": "/health/live", "meta-auth": "/health", "ads-publisher": "/health"}
RUNS_DRAIN_SECONDS = 10
"""The publisher lets runs in hand end for so long."""
HOME = "auto-ads"
OBSERVABILITY = ROOT / "docs" / "observability.md"


def test_every_pod_satisfies_the_restricted_standard(rendered: Rendered) -> None:
    for pod in rendered.pods:
        context = pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] != 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod.spec["automountServiceAccountToken"] is False
        assert pod.spec["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.spec.keys()
        assert all(volume.keys() & {"secret", "projected", "emptyDir"} for volume in pod.spec["volumes"])


def test_every_container_is_without_privileges_and_cannot_write_but_to_tmp(rendered: Rendered) -> None:
    for container in (container for pod in rendered.pods for container in pod.containers):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        writable = [mount for mount in container["volumeMounts"] if not mount.get("readOnly")]
        assert writable == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - a volume of the pod's own


def test_no_secret_comes_by_a_variable(rendered: Rendered) -> None:
    """A variable is seen by whoever may describe the pod, and by every child process."""
    for container in (container for pod in rendered.pods for container in pod.containers):
        assert all("secretRef" not in source for source in container.get("envFrom", []))
        assert all("secretKeyRef" not in each.get("valueFrom", {}) for each in container.get("env", []))


def test_every_container_says_what_it_needs_and_where_its_memory_ends(rendered: Rendered) -> None:
    for container in (container for pod in rendered.pods for container in pod.containers):
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert container["resources"]["limits"].keys() == {"memory"}


@pytest.mark.parametrize("service", SERVICES)
def test_readiness_asks_for_everything_and_liveness_for_the_process_alone(
    base: Rendered, service: str
) -> None:
    container = base.pod(service).containers[0]
    probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert {kind: probe["path"] for kind, probe in probes.items()} == {
        "startup": LIVE[service],
        "liveness": LIVE[service],
        "readiness": "/health/ready",
    }
    assert {probe["port"] for probe in probes.values()} == {"http"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_rolling_update_takes_no_pod_away_before_its_successor_is_ready(
    base: Rendered, service: str
) -> None:
    pod = base.pod(service)
    assert pod.owner["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    delay = float(base.environment(pod.containers[0]).get("SHUTDOWN_DELAY_SECONDS", 0))
    probe = pod.containers[0]["readinessProbe"]
    if service != "ads-publisher":  # nobody calls it
        assert delay > probe["periodSeconds"] * probe["failureThreshold"]
    drain = delay + DRAIN_SECONDS + (RUNS_DRAIN_SECONDS if service == "ads-publisher" else 0)
    assert pod.spec["terminationGracePeriodSeconds"] >= drain + 5


@pytest.mark.parametrize("folder", ["base", EXAMPLE])
@pytest.mark.parametrize("service", SERVICES)
def test_a_node_can_be_drained_while_a_pod_of_the_service_stays(
    all_rendered: dict[str, Rendered], folder: str, service: str
) -> None:
    objects = all_rendered[folder]
    budget = _named(objects, "PodDisruptionBudget", service)["spec"]
    deployment = objects.pod(service).owner["spec"]
    scaler = _named(objects, "HorizontalPodAutoscaler", service)
    # Where an autoscaler counts, a number in the Deployment would undo its work at each apply.
    assert ("replicas" in deployment) is not bool(scaler)
    least = scaler["spec"]["minReplicas"] if scaler else deployment["replicas"]
    assert least > budget["maxUnavailable"] >= 1
    if scaler:
        assert scaler["spec"]["maxReplicas"] > least
        assert scaler["spec"]["scaleTargetRef"] == {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": service,
        }


def _named(objects: Rendered, kind: str, name: str) -> Document:
    return next((item for item in objects.of_kind(kind) if item["metadata"]["name"] == name), {})


def test_the_publisher_is_scaled_by_a_metric_that_exists_and_that_the_adapter_serves(base: Rendered) -> None:
    external = _named(base, "HorizontalPodAutoscaler", "ads-publisher")["spec"]["metrics"][0]["external"]
    metric = external["metric"]["name"]
    assert f"\n| `{metric}` | gauge |" in OBSERVABILITY.read_text()
    docs = (ROOT / "docs" / "kubernetes.md").read_text()
    rule = yaml.safe_load(docs.partition("```yaml\n")[2].partition("```")[0])["rules"]["external"][0]
    assert rule["seriesQuery"].startswith(f"{metric}{{")
    assert rule["metricsQuery"].startswith("max(")
    tasks = base.environment(base.pod("ads-publisher").containers[0])["EXECUTOR_TASKS"]
    assert external["target"] == {"type": "AverageValue", "averageValue": tasks}


def test_exactly_these_connections_are_let_through(example: Rendered, provisioning: Rendered) -> None:
    ours = {pod.name: _peer(pod) for pod in (*example.pods, *provisioning.pods)}
    around = {
        "ingress": Peer(namespace="nginx-ingress", labels={"app": "nginx"}),
        "prometheus": Peer(namespace="monitoring"),
        "neighbour": Peer(namespace=HOME, labels={"app": "other"}, ports={"http": 8080}),
        "stranger": Peer(namespace="default"),
        "dns": Peer(namespace="kube-system", labels={"k8s-app": "kube-dns"}),
        "collector": Peer(namespace="observability"),
        "postgres": Peer(address="10.20.0.5"),
        "redis": Peer(address="10.20.0.20"),
        "internet": Peer(address="157.240.1.1"),
        "internet6": Peer(address="2a03:2880::1"),
        "private": Peer(address="192.168.1.1"),
        "cloud metadata": Peer(address="169.254.169.254"),
    }
    peers = ours | around
    policies = example.of_kind("NetworkPolicy")
    found = {
        (source, target, port)
        for source in peers
        for target in peers
        for port in (53, 80, 443, 3001, 3002, 3003, 4318, 5432, 6379, 9464)
        if source != target
        and (source in ours or target in ours)
        and may_reach(policies, peers[source], peers[target], port)
    }
    assert found == _expected(set(ours))


def _peer(pod: Pod) -> Peer:
    return Peer(namespace=HOME, labels=pod.labels, ports=pod.ports())


def _expected(ours: set[str]) -> set[tuple[str, str, int]]:
    callers = {"gateway", "ads-publisher"}
    return (
        {("ingress", "gateway", 3001)}
        | {(caller, "meta-auth", 3002) for caller in callers}
        | {("gateway", "ads-publisher", 3003)}
        | {(name, at, 443) for name in ("meta-auth", "ads-publisher") for at in ("internet", "internet6")}
        | {(name, at, port) for name in ours for at, port in (("dns", 53), ("postgres", 5432))}
        | {(name, at, port) for name in SERVICES for at, port in (("redis", 6379), ("collector", 4318))}
        | {("prometheus", name, 9464) for name in SERVICES}
    )


@pytest.mark.parametrize("folder", ["base", EXAMPLE])
def test_every_policy_says_what_it_lets_through_to_whom(
    all_rendered: dict[str, Rendered], folder: str
) -> None:
    """A rule without peers or ports lets everybody or everything through."""
    for policy in all_rendered[folder].of_kind("NetworkPolicy"):
        spec = policy["spec"]
        rules = [(rule, "to") for rule in spec.get("egress", ())]
        rules += [(rule, "from") for rule in spec.get("ingress", ())]
        assert bool(rules) is not (policy["metadata"]["name"] == "default-deny")
        assert all(rule[peers] and rule["ports"] for rule, peers in rules)


def test_what_no_policy_lets_through_is_denied_in_both_directions(base: Rendered) -> None:
    deny = _named(base, "NetworkPolicy", "default-deny")["spec"]
    assert set(deny["policyTypes"]) == {"Ingress", "Egress"}
    assert all(deny["podSelector"]["matchLabels"].items() <= pod.labels.items() for pod in base.pods)
