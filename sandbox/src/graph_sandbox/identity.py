"""The logged-in user: who they are, what they granted, which ad accounts they can use.

Sources: https://developers.facebook.com/docs/graph-api/reference/user/permissions (and /adaccounts),
https://developers.facebook.com/docs/facebook-login/guides/permissions/request-revoke
"""

from graph_sandbox import nodes
from graph_sandbox.access import CAN_READ_ADS
from graph_sandbox.call import Body, Call
from graph_sandbox.marketing import Change
from graph_sandbox.personas import Persona
from graph_sandbox.refusals import NO_SCOPE, unsupported


def read_me(call: Call) -> Body:
    return nodes.user_node(call, _user(call), nodes.wanted_of(call))


def list_permissions(call: Call) -> Body:
    return nodes.list_permissions(call, _user(call))


def revoke_permissions(call: Call) -> Change:
    """All of them removes the app, and its tokens answer 458; one of them is declined from then on."""
    user_id = _user(call).user_id
    world = call.world
    in_path = call.path.partition("/permissions/")[2]
    scope = in_path or call.params.text("permission")

    def apply() -> Body:
        if scope:
            if scope in world.grants.get(user_id, {}):
                world.grants[user_id][scope] = "declined"
            world.ledger.append("permission_revoked", world.now(), user_id=user_id, permission=scope)
        else:
            world.remove_app(user_id)
            call.deauthorized = user_id
        return {"success": True}

    return Change(apply)


def list_ad_accounts(call: Call) -> Body:
    user = _user(call)
    if not CAN_READ_ADS & set(call.world.granted_scopes(user.user_id)):
        raise NO_SCOPE.error()
    return nodes.list_accounts(call, user)


def _user(call: Call) -> Persona:
    if call.user is None:
        raise unsupported(call.method, "me")
    return call.user
