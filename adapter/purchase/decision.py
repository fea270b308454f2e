"""The whole thought about one order: its click identifiers, its event, and whether it is sent, skipped or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from msgspec import Struct

from adapter.errors import MappingFailed
from adapter.jsonvalues import objects_in
from adapter.purchase.event import PurchaseEvent, find_clicks, is_true, make_event
from adapter.purchase.identity import ClickIdentifiers
from adapter.purchase.mapping import PurchaseMapping
from adapter.purchase.names import Names, names_for
from adapter.purchase.order import Order
from adapter.purchase.rules import Policy, Skip, skip_by_consent, skip_by_event, skip_by_order
from adapter.purchase.violations import Violation, violations

CONSENT_NAMES = ("ad_consent", "_ad_consent")
"""Under which a storefront writes the buyer's answer into the order: `granted` or `denied`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopRules:
    """What of a shop's mapping file the decision needs."""

    name: str
    platform: str
    site_url: str
    policy: Policy
    mapping: PurchaseMapping


class Decision(Struct, frozen=True, kw_only=True):
    """What becomes of an order: an event to send, or the skip, or the problems that keep it from being sent."""

    clicks: ClickIdentifiers
    event: PurchaseEvent | None = None
    skip: Skip | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def to_send(self) -> PurchaseEvent | None:
        """The event, when nothing speaks against sending it."""
        return None if self.skip or self.problems else self.event


def decide(order: Order, stored: Mapping[str, Any], rules: ShopRules, age: timedelta | None) -> Decision:
    """Decide on one order. `stored` is what `POST /clicks` remembered for it; `age` as in `skip_by_order`."""
    names = names_for(order, rules.site_url, rules.mapping.categories, rules.mapping.prices)
    try:
        return _decide(order, names, stored, rules, age)
    except MappingFailed as failed:
        return Decision(clicks=ClickIdentifiers(), problems=(str(failed),), warnings=names.warnings)


def _decide(
    order: Order, names: Names, stored: Mapping[str, Any], rules: ShopRules, age: timedelta | None
) -> Decision:
    scope, clicks = scope_of(order, names, stored, rules)
    skip = _skip_before_event(order, scope, stored, rules, age)
    if skip is not None:
        return Decision(clicks=clicks, skip=skip, warnings=(*names.warnings, *clicks.warnings))
    event = make_event(rules.mapping, scope, lines_of(order, names))
    skip = skip_by_event(event.fields, rules.policy, order.buyer.not_buyers)
    problems = () if skip else tuple(_in_words(found, rules.mapping) for found in violations(event.fields))
    return Decision(
        clicks=clicks,
        event=event,
        skip=skip,
        problems=problems,
        warnings=(*names.warnings, *clicks.warnings, *event.warnings),
    )


def _in_words(violation: Violation, mapping: PurchaseMapping) -> str:
    """Say what is wrong with the event, and which expression of which line of the mapping is to blame."""
    leaf = mapping.leaf_at(violation.path)
    return str(violation) if leaf is None else f"{violation} (= {leaf.expression.text}, {leaf.expression.origin})"


def scope_of(
    order: Order, names: Names, stored: Mapping[str, Any], rules: ShopRules
) -> tuple[dict[str, Any], ClickIdentifiers]:
    """Return what the expressions see of an order, and the click identifiers that were found for it."""
    scope: dict[str, Any] = {
        "order": order.source,
        "purchase": names.purchase,
        "stored": stored,
        "shop": {"name": rules.name, "platform": rules.platform, "site_url": rules.site_url},
    }
    clicks = find_clicks(rules.mapping, scope)
    scope["clicks"] = clicks.values
    return scope, clicks


def lines_of(order: Order, names: Names) -> list[dict[str, Any]]:
    """Return what the expressions of the items see of each line, on top of the order's scope."""
    return [{"line": line.source, "item": item} for line, item in zip(order.lines, names.items, strict=True)]


def _skip_before_event(
    order: Order, scope: Mapping[str, Any], stored: Mapping[str, Any], rules: ShopRules, age: timedelta | None
) -> Skip | None:
    answers = (consent_in(order.source), stored.get("consent"))
    skip = _skip_by_answers(answers, scope, rules) or skip_by_order(order, rules.policy, age)
    if skip is None and rules.mapping.skip_if is not None:
        expression = rules.mapping.skip_if
        if is_true("orders.skip_if", expression, scope):
            return Skip("skip_if", f"the mapping says so: {expression.text}")
    return skip


def _skip_by_answers(answers: tuple[str | None, ...], scope: Mapping[str, Any], rules: ShopRules) -> Skip | None:
    """Judge the consent; the mapping is asked only when it matters, so that it can't fail on a refusal."""
    required, granted_if = rules.policy.consent_required, rules.mapping.granted_if
    denied, granted = "denied" in answers, "granted" in answers
    if required and not denied and not granted and granted_if is not None:
        granted = is_true("consent.granted_if", granted_if, scope)
    return skip_by_consent(required=required, granted=granted, denied=denied)


def consent_in(source: Mapping[str, Any]) -> str | None:
    """Return the buyer's answer that the storefront wrote into the order: "granted", "denied" or None.

    When it holds several answers, one refusal is a refusal.
    """
    answers = {
        str(entry.get("value")).strip().lower()
        for place, key in (("note_attributes", "name"), ("meta_data", "key"))
        for entry in objects_in(source.get(place))
        if entry.get(key) in CONSENT_NAMES
    }
    return next((answer for answer in ("denied", "granted") if answer in answers), None)
