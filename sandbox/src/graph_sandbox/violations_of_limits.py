"""How rules about how many there may be are broken.

Sources: https://developers.facebook.com/docs/marketing-api/reference/ad-label (labels) and
https://developers.facebook.com/docs/marketing-api/reference/ad-campaign (ad sets)
"""

from graph_sandbox.violations import Draft, Facts

LABELS_OF_AN_OBJECT = 50
GONE = "DELETED"


def too_many_labels(draft: Draft) -> Facts | None:
    """Of the object as it will be; what is sent twice counts once."""
    items = [item for item in draft.values.get("adlabels") or () if isinstance(item, dict)]
    distinct = {str(item.get("name") or item.get("id")) for item in items}
    return {"most": str(LABELS_OF_AN_OBJECT)} if len(distinct) > LABELS_OF_AN_OBJECT else None


def account_full_of_labels(draft: Draft) -> Facts | None:
    """Only names that the account does not have yet need room."""
    world, account_id = draft.world, draft.account.account_id
    most = world.settings.labels_per_account
    items = draft.values.get("adlabels") or ()
    names = {item["name"] for item in items if isinstance(item, dict) and item.get("name")}
    fresh = sum((account_id, name) not in world.label_names for name in names)
    if not fresh or len(world.label_names) + fresh <= most:
        return None
    held = sum(owner == account_id for owner, _ in world.label_names)
    return {"most": str(most)} if held + fresh > most else None


def account_full_of_adsets(draft: Draft) -> Facts | None:
    """Deleted ones do not count."""
    world, most = draft.world, draft.world.settings.adsets_per_account
    ids = world.by_account.get((draft.account.account_id, "adset"), [])
    if len(ids) < most:
        return None
    held = sum(world.effective_status(world.objects[one]) != GONE for one in ids)
    return {"most": str(most)} if held >= most else None
