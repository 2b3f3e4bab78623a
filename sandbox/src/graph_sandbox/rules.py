"""The validations of creates and updates, as one table.

A rule says which call it guards, from which version on, how it is broken, what Graph answers then, and where
it is known from. They are checked by phase, then in the order written. That order, and every rule marked
`inferred`, was never compared with Meta.
"""

from graph_sandbox import violations as broken
from graph_sandbox.adset_rules import ADSET_RULES
from graph_sandbox.campaign_rules import CAMPAIGN_RULES
from graph_sandbox.catalog import BID_STRATEGIES, STATUSES
from graph_sandbox.rule import INVALID, PHASES, On, Rule, one_of
from graph_sandbox.violations import Draft

UPDATE_RULES = (
    one_of("update", "status", STATUSES),
    one_of("update", "bid_strategy", BID_STRATEGIES),
    Rule(
        "update.deleted",
        ("update",),
        broken.already_deleted,
        INVALID,
        "inferred",
        title="Deleted objects cannot be changed",
        user_message="This object was deleted and cannot be edited.",
    ),
    Rule(
        "update.budget.too_low",
        ("update",),
        broken.budget_too_low,
        INVALID,
        "field",
        1885650,
        "Budget is too low",
        "Your ad set budget must be more than {floor} or your ads may not be delivered.",
        "daily_budget",
    ),
)

RULES: tuple[Rule, ...] = CAMPAIGN_RULES + ADSET_RULES + UPDATE_RULES
RULES_FOR: dict[On, tuple[Rule, ...]] = {
    on: tuple(rule for phase in PHASES for rule in RULES if rule.phase == phase and on in rule.on)
    for on in ("campaign", "adset", "update")
}


def validate(kind: On, draft: Draft) -> None:
    """Apply the table to one create or update.

    Raises:
        GraphError: of the first rule that is broken.
    """
    for rule in RULES_FOR[kind]:
        if draft.version >= rule.since:
            facts = rule.check(draft)
            if facts is not None:
                raise rule.error(facts)
