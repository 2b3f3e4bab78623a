"""The validations of creates and updates, as one table.

A rule says which call it guards, from which version on, how it is broken, what Graph answers then, and where
it is known from. They are checked by phase, then in the order written. That order, and every rule marked
`inferred`, was never compared with Meta.
"""

from graph_sandbox import violations as broken
from graph_sandbox import violations_of_budget as budget
from graph_sandbox.adset_rules import ADSET_MONEY_RULES, ADSET_RULES
from graph_sandbox.campaign_rules import CAMPAIGN_RULES
from graph_sandbox.catalog import CHANGED_ADSET, CHANGED_CAMPAIGN
from graph_sandbox.rule import EVERY, INVALID, PHASES, UPDATES, On, Rule, enums
from graph_sandbox.targeting_rules import DSA_RULES, TARGETING_RULES
from graph_sandbox.violations import Draft

UPDATE_RULES = (
    *enums("campaign_update", CHANGED_CAMPAIGN),
    *enums("adset_update", CHANGED_ADSET),
    Rule(
        "update.deleted",
        UPDATES,
        broken.already_deleted,
        INVALID,
        "inferred",
        title="Deleted objects cannot be changed",
        user_message="This object was deleted and cannot be edited.",
    ),
    Rule(
        "update.budget.too_low",
        ("adset_update",),
        budget.budget_too_low,
        INVALID,
        "field",
        1885650,
        "Budget is too low",
        "Your ad set budget must be more than {floor} or your ads may not be delivered.",
        "daily_budget",
    ),
    Rule(
        "update.archived",
        UPDATES,
        broken.unarchives,
        INVALID,
        "inferred",
        title="Archived objects cannot be changed",
        user_message="An archived object can only be renamed, activated, paused or deleted.",
    ),
    Rule(
        "update.objective",
        ("campaign_update",),
        broken.objective_changes,
        INVALID,
        "inferred",
        title="Objective cannot be changed",
        user_message="The objective of a campaign stays as it was created.",
        blame="objective",
    ),
    Rule(
        "update.attribution",
        ("adset_update",),
        broken.attribution_changes,
        INVALID,
        "field",
        1504040,
        "Attribution cannot be changed",
        "The attribution of an ad set stays as it was created.",
        "attribution_spec",
    ),
    Rule(
        "update.budget.both_levels",
        UPDATES,
        budget.budget_moves_to_both_levels,
        INVALID,
        "doc",
        1885621,
        "Only one budget can be set",
        "Either the campaign has a budget or its ad sets have.",
        "daily_budget",
    ),
    Rule(
        "update.ended",
        ("adset_update",),
        broken.ended,
        INVALID,
        "doc",
        1487007,
        "Ad set has ended",
        "An ad set that has ended cannot be edited, except for its end.",
        "end_time",
    ),
)

RULES: tuple[Rule, ...] = (
    *CAMPAIGN_RULES,
    *ADSET_RULES,
    *TARGETING_RULES,
    *ADSET_MONEY_RULES,
    *DSA_RULES,
    *UPDATE_RULES,
)
RULES_FOR: dict[On, tuple[Rule, ...]] = {
    on: tuple(rule for phase in PHASES for rule in RULES if rule.phase == phase and on in rule.on)
    for on in EVERY
}


def validate(kind: On, draft: Draft) -> None:
    """Apply the table to one create or update.

    Raises:
        GraphError: of the first rule that is broken.
    """
    for rule in RULES_FOR[kind]:
        if rule.holds(draft.version):
            facts = rule.check(draft)
            if facts is not None:
                raise rule.error(facts)


def check_labels(draft: Draft) -> None:
    """The rules that the edges for ad labels share with creates and updates."""
    for rule in RULES:
        if rule.rule_id.startswith("adlabels."):
            facts = rule.check(draft)
            if facts is not None:
                raise rule.error(facts)
