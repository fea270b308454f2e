"""Which orders become a purchase, and why not: decided from the signed body, never from a header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from adapter.purchase.order import Order, Payment, Standing, Trait

Count = Literal["paid", "authorized", "placed"]
"""When an order counts as a purchase: once paid, once the money is authorised, or as soon as it is placed."""

SKIP_RULES = (
    "test",
    "pos",
    "draft",
    "renewal",
    "zero_value",
    "imported",
    "b2b",
    "sub_order",
    "cancelled",
    "too_old",
    "no_browser",
)
"""Every rule that `[orders] skip` may name."""

_COUNTED_PAYMENTS: Mapping[Count, frozenset[Payment]] = {
    "paid": frozenset({Payment.PAID}),
    "authorized": frozenset({Payment.PAID, Payment.AUTHORIZED}),
    "placed": frozenset({Payment.PAID, Payment.AUTHORIZED, Payment.UNPAID}),
}

_TRAIT_WORDS = {
    Trait.TEST: "paid with a test payment",
    Trait.POS: "sold in the store, not on the web",
    Trait.DRAFT: "a draft, made by the staff or not placed yet",
    Trait.RENEWAL: "an automatic renewal of a subscription",
    Trait.IMPORTED: "imported or created by a program, not bought in the shop",
    Trait.B2B: "bought by a business customer",
    Trait.SUB_ORDER: "a part of another order, which is counted already",
}


@dataclass(frozen=True, slots=True)
class Skip:
    """An order that is not sent: the rule that says so, and the reason in words."""

    rule: str
    words: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.words}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a shop counts: `[orders]` and `[consent]` of its mapping file, without the expressions."""

    count: Count
    side: Literal["presentment", "shop"]
    skip: frozenset[str]
    max_age: timedelta
    hold: timedelta
    consent_required: bool


def counts(standing: Standing, policy: Policy) -> bool:
    """Whether an order with this standing is a sale: its money is far enough, and nothing that counts undid it."""
    undone = "cancelled" in policy.skip and standing.closed is not None
    return not undone and standing.payment in _COUNTED_PAYMENTS[policy.count]


def countable_since(standing: Standing, policy: Policy) -> datetime | None:
    """Return when the order became a sale by this policy, None when its body doesn't say."""
    paid_at = None if policy.count == "placed" else standing.paid_at
    return paid_at or standing.placed_at


def skip_by_order(order: Order, policy: Policy, age: timedelta | None) -> Skip | None:
    """Return the first rule by which this order is not sent, looking at the order alone.

    `age` is how old the order already was when it was first received as a sale, None when that isn't known: what
    depends on the clock is fixed at intake, so an outage never ages an accepted order out.
    """
    if "cancelled" in policy.skip and order.standing.closed is not None:
        return Skip("cancelled", f"the order is {order.standing.closed}")
    for trait, words in _TRAIT_WORDS.items():
        if trait in order.traits and trait in policy.skip:
            return Skip(trait.value, words)
    if order.standing.payment not in _COUNTED_PAYMENTS[policy.count]:
        return Skip("unpaid", f"the order is {order.standing.payment}; it is sent when it is {policy.count}")
    if "too_old" in policy.skip and age is not None and age > policy.max_age:
        return Skip("too_old", f"it was more than {policy.max_age.days} days old when it came in")
    return None


def skip_by_event(event: Mapping[str, Any], policy: Policy, not_buyers: frozenset[str] = frozenset()) -> Skip | None:
    """Return the rule by which the finished event is not sent: nothing to pay, or no browser of the buyer's.

    `not_buyers` are addresses and user agents that are the staff's.
    """
    if "zero_value" in policy.skip and event["data"].get("value") == Decimal(0):
        return Skip("zero_value", "the value to be sent is 0")
    if "no_browser" in policy.skip and (missing := _missing_of_browser(event["user_data"], not_buyers)):
        return Skip("no_browser", f"the order carries no {' and no '.join(missing)} of the buyer's browser")
    return None


def _missing_of_browser(user: Mapping[str, Any], not_buyers: frozenset[str]) -> list[str]:
    wanted = (("client_ip_address", "IP address"), ("client_user_agent", "user agent"))
    return [words for name, words in wanted if not user.get(name) or user[name] in not_buyers]


REFUSED = Skip("consent denied", "the buyer refused")
"""What is recorded of the buyer's refusal."""


def skip_by_consent(*, required: bool, granted: bool, denied: bool) -> Skip | None:
    """Return the skip that consent asks for; a recorded refusal wins whatever the mapping requires."""
    if denied:
        return REFUSED
    if required and not granted:
        return Skip("no consent", "the mapping requires consent, and none is recorded for this order")
    return None
