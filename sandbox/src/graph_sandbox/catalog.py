"""Names, types and enums of the Marketing API that the sandbox knows, read from `meta_spec.json`.

Source: the API specification that Meta's business SDKs are generated from; the file names its commit.
"""

import json
from importlib.resources import files
from typing import Any

SPEC: dict[str, Any] = json.loads(files(__package__).joinpath("meta_spec.json").read_text(encoding="utf-8"))

NEW_CAMPAIGN = "POST /act_{id}/campaigns"
NEW_ADSET = "POST /act_{id}/adsets"
CHANGED_CAMPAIGN = "POST /{campaign_id}"
CHANGED_ADSET = "POST /{adset_id}"
CHANGED_ACCOUNT = "POST /act_{id}"

_KINDS = {"string": "string", "int": "int", "unsigned int": "uint", "bool": "bool", "datetime": "time"}
_OBJECTS = ("Object", "map", "Targeting")


def kind_of(spec_type: str) -> str:
    """How a parameter of this specified type is read; everything that is an enum is a string."""
    if spec_type.startswith("list<"):
        return "list"
    if spec_type.startswith(_OBJECTS):
        return "object"
    return _KINDS.get(spec_type, "string")


def params_of(endpoint: str) -> dict[str, str]:
    """Every parameter of the call, with the kind that `params.decode` reads it as."""
    return {name: kind_of(facts["type"]) for name, facts in SPEC["endpoints"][endpoint]["params"].items()}


def enum_of(endpoint: str, name: str) -> tuple[str, ...]:
    """The values that a parameter may have."""
    return tuple(SPEC["enums"][SPEC["endpoints"][endpoint]["params"][name]["enum"]])


def enums_of(endpoint: str) -> dict[str, tuple[str, ...]]:
    """The parameters of the call that have an enum, with its values."""
    params = SPEC["endpoints"][endpoint]["params"]
    return {name: enum_of(endpoint, name) for name, facts in params.items() if "enum" in facts}


def _fields(node: str) -> frozenset[str]:
    return frozenset(SPEC["fields"][node])


ACCOUNT_FIELDS = _fields("AdAccount") | {"campaigns", "adsets", "ads", "adlabels", "insights"}
CAMPAIGN_FIELDS = _fields("Campaign") | {"adsets", "ads", "insights"}
ADSET_FIELDS = _fields("AdSet") | {"ads", "insights"}
LABEL_FIELDS = _fields("AdLabel")
USER_FIELDS = _fields("User") | {"adaccounts", "permissions"}

CAMPAIGN_PARAMS = params_of(NEW_CAMPAIGN)
ADSET_PARAMS = params_of(NEW_ADSET)
CAMPAIGN_CHANGES = params_of(CHANGED_CAMPAIGN)
ADSET_CHANGES = params_of(CHANGED_ADSET)

OBJECTIVES = tuple(name for name in enum_of(NEW_CAMPAIGN, "objective") if name.startswith("OUTCOME_"))
"""What a new campaign may have: the specification still lists the older ones, which are refused."""

EFFECTIVE_STATUSES = enum_of("GET /act_{id}/campaigns", "effective_status")
DATE_PRESETS = enum_of("GET /act_{id}/campaigns", "date_preset")
OPTIMIZATION_GOALS = enum_of(NEW_ADSET, "optimization_goal")
OPTIMIZATION_GOALS_V26 = (
    *OPTIMIZATION_GOALS,
    *SPEC["added_in_v26"]["adaccountadsets_optimization_goal_enum_param"],
)
