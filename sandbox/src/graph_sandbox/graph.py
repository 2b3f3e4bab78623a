"""Which path is answered by whom, and the checks every Graph call passes first."""

from collections.abc import Callable
from dataclasses import dataclass

from graph_sandbox import access, ad_accounts, identity, labels, marketing, tokens
from graph_sandbox.call import Body, Call
from graph_sandbox.marketing import Change
from graph_sandbox.refusals import DATE_FORMAT, unknown_path, unsupported
from graph_sandbox.state import Kind, Label

Handler = Callable[[Call], Body | Change]


@dataclass(frozen=True, slots=True)
class Route:
    """A handler and what it needs checked. `node` is what the first path segment must be."""

    handler: Handler
    needs_token: bool = True
    marketing: bool = False
    always_upgrade: bool = False
    """Old versions are served with the warning even while the gate refuses others."""
    step: Kind | None = None


def _marketing(handler: Handler, step: Kind | None = None) -> Route:
    return Route(handler, marketing=True, step=step)


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "oauth/access_token"): Route(tokens.issue_access_token, needs_token=False),
    ("POST", "oauth/access_token"): Route(tokens.issue_access_token, needs_token=False),
    ("GET", "debug_token"): Route(tokens.debug_token),
    ("GET", "<user>"): Route(identity.read_me),
    ("GET", "<user>/permissions"): Route(identity.list_permissions),
    ("DELETE", "<user>/permissions"): Route(identity.revoke_permissions),
    ("DELETE", "<user>/permissions/*"): Route(identity.revoke_permissions),
    ("GET", "<user>/adaccounts"): Route(identity.list_ad_accounts, marketing=True, always_upgrade=True),
    ("GET", "<account>"): _marketing(ad_accounts.read_account),
    ("POST", "<account>"): _marketing(ad_accounts.update_account),
    ("GET", "<account>/campaigns"): _marketing(marketing.list_campaigns),
    ("POST", "<account>/campaigns"): _marketing(marketing.create_campaign, "campaign"),
    ("GET", "<account>/adsets"): _marketing(marketing.list_adsets),
    ("POST", "<account>/adsets"): _marketing(marketing.create_adset, "adset"),
    ("GET", "<account>/campaignsbylabels"): _marketing(marketing.campaigns_by_labels),
    ("GET", "<account>/adsetsbylabels"): _marketing(marketing.adsets_by_labels),
    ("GET", "<account>/adlabels"): _marketing(labels.list_labels),
    ("POST", "<account>/adlabels"): _marketing(labels.create_label),
    ("GET", "<account>/minimum_budgets"): _marketing(ad_accounts.minimum_budgets),
    ("GET", "<account>/dsa_recommendations"): _marketing(ad_accounts.dsa_recommendations),
    ("GET", "<account>/ads"): _marketing(ad_accounts.list_ads_of_account),
    ("GET", "<account>/insights"): _marketing(ad_accounts.read_insights),
    ("GET", "<account>/activities"): _marketing(ad_accounts.list_activities),
    ("GET", "<label>"): _marketing(labels.read_label),
    ("POST", "<label>"): _marketing(labels.rename_label),
    ("DELETE", "<label>"): _marketing(labels.delete_label),
    ("GET", "<label>/campaigns"): _marketing(labels.list_campaigns_of_label),
    ("GET", "<label>/adsets"): _marketing(labels.list_adsets_of_label),
    ("GET", "<object>"): _marketing(marketing.read_object),
    ("POST", "<object>"): _marketing(marketing.update_object),
    ("DELETE", "<object>"): _marketing(marketing.delete_object),
    ("GET", "<object>/adsets"): _marketing(marketing.list_adsets_of_campaign),
    ("GET", "<object>/adlabels"): _marketing(labels.list_labels_of_object),
    ("POST", "<object>/adlabels"): _marketing(labels.add_labels),
    ("DELETE", "<object>/adlabels"): _marketing(labels.remove_labels),
    ("GET", "<object>/ads"): _marketing(marketing.list_ads_of_object),
    ("GET", "<object>/insights"): _marketing(marketing.read_insights),
}
NODES = ("<user>", "<account>", "<label>", "<object>")
ADS_NODES = frozenset(NODES) - {"<user>"}


def find_route(call: Call) -> Route | None:
    """The route of this call, by method and the shape of its path."""
    first, _, rest = call.path.partition("/")
    shape = "/".join(part for part in (_node(call, first), rest) if part)
    if rest.startswith("permissions/"):
        shape = "<user>/permissions/*"
    return ROUTES.get((call.method, shape))


def prepare(call: Call, route: Route | None) -> Body | Change:
    """Run the checks in Graph's order, then the handler; a create comes back as a change to apply.

    Raises:
        GraphError: of the first check that fails.
    """
    first = call.path.partition("/")[0]
    is_ads_node = _node(call, first) in ADS_NODES
    access.check_version(
        call,
        marketing=route.marketing if route else is_ads_node,
        always_upgrade=route is not None and route.always_upgrade,
    )
    if route is None or route.needs_token:
        access.check_token(call)
        access.check_proof(call)
    if route is None:
        raise (
            unsupported(call.method, first) if _node(call, first) in NODES else unknown_path(f"/{call.path}")
        )
    if route.marketing and is_ads_node:
        _find_target(call, first)
        call.limits.spend(call)
    elif (
        _node(call, first) == "<user>" and first != "me" and (call.user is None or first != call.user.user_id)
    ):
        raise unsupported(call.method, first)
    else:
        call.limits.spend_app(call)
    if call.params.get("date_format") is not None:
        raise DATE_FORMAT.error()
    return route.handler(call)


def _node(call: Call, first: str) -> str:
    if first == "me" or first in call.world.users:
        return "<user>"
    if first.startswith("act_"):
        return "<account>"
    if first in call.world.labels:
        return "<label>"
    return "<object>" if first.isascii() and first.isdigit() else first


def _find_target(call: Call, first: str) -> None:
    """Resolve the account or object, and check that the caller may use it."""
    write = call.method != "GET"
    if first.startswith("act_"):
        access.check_account(call, first.removeprefix("act_"), write=write)
        return
    found = call.world.objects.get(first) or call.world.labels.get(first)
    if found is None or call.user is None or found.account_id not in call.user.account_ids:
        raise unsupported(call.method, first)
    access.check_account(call, found.account_id, write=write)
    if isinstance(found, Label):
        call.label = found
    else:
        call.target = found
