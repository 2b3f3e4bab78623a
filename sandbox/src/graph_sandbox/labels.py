"""Ad labels: on the account, as nodes of their own, and on campaigns and ad sets.

Source: https://developers.facebook.com/docs/marketing-api/reference/ad-label
"""

from graph_sandbox.call import Body, Call
from graph_sandbox.marketing import Change, account_of, label_ids, objects_of, target_of
from graph_sandbox.nodes import label_node, labels_in, list_objects, wanted_of
from graph_sandbox.nodes import list_labels as list_these
from graph_sandbox.params import decode
from graph_sandbox.refusals import invalid_param, missing_param, unsupported
from graph_sandbox.rules import check_labels
from graph_sandbox.state import Kind, Label
from graph_sandbox.violations import Draft


def list_labels(call: Call) -> Body:
    return list_these(call, labels_in(call, account_of(call).account_id))


def create_label(call: Call) -> Change:
    name = call.params.text("name")
    if not name:
        raise missing_param("name")
    account_id = account_of(call).account_id
    check_labels(Draft(call.world, account_of(call), {"adlabels": [{"name": name}]}, call.version))
    return Change(lambda: {"id": call.world.label_for(account_id, name).label_id})


def read_label(call: Call) -> Body:
    return label_node(call, _label(call), wanted_of(call))


def rename_label(call: Call) -> Change:
    """Labels are found by name, so a new name must be free.

    Raises:
        GraphError: 100 without a name, or when another label of the account has it.
    """
    label, name = _label(call), call.params.text("name")
    if not name:
        raise missing_param("name")
    if call.world.label_names.get((label.account_id, name), label.label_id) != label.label_id:
        raise invalid_param("name", f"is the name of another label - got {name}.")

    def apply() -> Body:
        del call.world.label_names[label.account_id, label.name]
        label.name = name
        call.world.label_names[label.account_id, name] = label.label_id
        return {"success": True}

    return Change(apply)


def delete_label(call: Call) -> Change:
    """Takes the label off everything that has it."""
    label, world = _label(call), call.world

    def apply() -> Body:
        for one in world.objects.values():
            if label.label_id in one.label_ids:
                one.label_ids.remove(label.label_id)
        del world.label_names[label.account_id, label.name]
        del world.labels[label.label_id]
        return {"success": True}

    return Change(apply)


def list_campaigns_of_label(call: Call) -> Body:
    return _of_label(call, "campaign")


def list_adsets_of_label(call: Call) -> Body:
    return _of_label(call, "adset")


def list_labels_of_object(call: Call) -> Body:
    return list_these(call, [call.world.labels[label_id] for label_id in target_of(call).label_ids])


def add_labels(call: Call) -> Change:
    """Adds to the labels an object has; an update with `adlabels` replaces them."""
    target, items = target_of(call), _sent_labels(call)
    known: list[Body] = [{"name": name} for name in call.world.label_names_of(target.label_ids)]
    check_labels(Draft(call.world, account_of(call), {"adlabels": [*known, *items]}, call.version))

    def apply() -> Body:
        target.label_ids = list(dict.fromkeys([*target.label_ids, *label_ids(call, items)]))
        return {"success": True, "id": target.object_id}

    return Change(apply)


def remove_labels(call: Call) -> Change:
    """Takes the sent labels off; without `adlabels` all of them."""
    target = target_of(call)
    everything = call.params.get("adlabels") is None
    items = [] if everything else _sent_labels(call)

    def apply() -> Body:
        gone = set(target.label_ids if everything else label_ids(call, items))
        target.label_ids = [label_id for label_id in target.label_ids if label_id not in gone]
        return {"success": True}

    return Change(apply)


def _sent_labels(call: Call) -> list[Body]:
    raw = call.params.get("adlabels")
    if raw is None:
        raise missing_param("adlabels")
    items: list[Body] = decode("adlabels", raw, "list")
    check_labels(Draft(call.world, account_of(call), {"adlabels": items}, call.version))
    return items


def _of_label(call: Call, kind: Kind) -> Body:
    label_id = _label(call).label_id
    return list_objects(call, [found for found in objects_of(call, kind) if label_id in found.label_ids])


def _label(call: Call) -> Label:
    if call.label is None:
        raise unsupported(call.method, call.path)
    return call.label
