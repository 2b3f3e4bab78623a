"""Which pod may open a connection to which, by the NetworkPolicies of Kubernetes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Policy = Mapping[str, Any]
Selector = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A pod, or with an `address` something outside the cluster."""

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str | None = None


def may_reach(policies: Iterable[Policy], source: Peer, target: Peer, port: int) -> bool:
    """Whether source may leave for target, and target may be entered by source, on a TCP port."""
    every = list(policies)
    return _lets(every, source, "Egress", target, target, port) and _lets(
        every, target, "Ingress", source, target, port
    )


def _lets(every: Sequence[Policy], pod: Peer, direction: str, other: Peer, target: Peer, port: int) -> bool:
    applying = [
        policy
        for policy in every
        if pod.address is None
        and policy["metadata"].get("namespace", "auto-ads") == pod.namespace
        and direction in policy["spec"]["policyTypes"]
        and _selects(policy["spec"]["podSelector"], pod.labels)
    ]
    if not applying:
        return True  # a pod that no policy selects is open
    key, peers = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    return any(
        any(_is(peer, other, home=pod.namespace) for peer in rule[peers])
        and any(_port(item, target) == port for item in rule["ports"])
        for policy in applying
        for rule in policy["spec"].get(key, ())
    )


def _port(item: Mapping[str, Any], target: Peer) -> int | None:
    if item.get("protocol", "TCP") != "TCP":
        return None
    wanted = item["port"]
    return target.ports.get(wanted) if isinstance(wanted, str) else int(wanted)


def _is(rule: Mapping[str, Any], peer: Peer, *, home: str) -> bool:
    if "ipBlock" in rule:
        return peer.address is not None and _within(rule["ipBlock"], peer.address)
    if peer.address is not None:
        return False
    if "namespaceSelector" in rule:
        if not _selects(rule["namespaceSelector"], {"kubernetes.io/metadata.name": peer.namespace}):
            return False
    elif peer.namespace != home:
        return False
    return _selects(rule.get("podSelector", {}), peer.labels)


def _within(block: Mapping[str, Any], address: str) -> bool:
    ip = ip_address(address)
    return ip in ip_network(block["cidr"]) and not any(
        ip in ip_network(net) for net in block.get("except", ())
    )


def _selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    expressions = selector.get("matchExpressions", ())
    assert all(expression["operator"] == "In" for expression in expressions)
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )
