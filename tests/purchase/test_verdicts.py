"""What every rule says about one order, and the fact it looked at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from adapter.errors import MappingFailed
from adapter.purchase.decision import ShopRules, decide, lines_of, scope_of
from adapter.purchase.event import make_event
from adapter.purchase.names import names_for
from adapter.purchase.order import Buyer, Order, Payment, Trait
from adapter.purchase.rules import SKIP_RULES
from adapter.purchase.verdicts import Judge, Verdict

PLACES = {
    "pos": ("order.source_name",),
    "test": ("order.test",),
    "unpaid": ("order.financial_status", "order.paid_at"),
    "b2b": ("attribute(order, 'b2b')",),
    "cancelled": ("order.cancelled_at", "order.refunds"),
}
FIRST = ("consent", "cancelled", "test", "pos", "draft", "renewal", "imported", "b2b", "sub_order", "unpaid")


def judged(order: Order, rules: ShopRules, days: int | None = 3) -> dict[str, Verdict]:
    """Return by rule the verdicts on an order that was placed so many days ago."""
    names = names_for(order, rules.site_url, rules.mapping.categories)
    scope, _ = scope_of(order, names, {}, rules)
    try:
        event = make_event(rules.mapping, scope, lines_of(order, names)).fields
    except MappingFailed:
        event = None
    judge = Judge(order=order, rules=rules, scope=scope, event=event, places=PLACES)
    now = None if days is None else order.placed_at + timedelta(days=days)
    return {verdict.rule: verdict for verdict in judge.verdicts(decide(order, {}, rules, None).skip, now)}


def said(verdicts: dict[str, Verdict], rule: str) -> tuple[str, str]:
    """Return finding and fact of one rule."""
    return verdicts[rule].finding.value, verdicts[rule].fact


def with_source(order: Order, **source: Any) -> Order:
    """Return the order with these fields in the platform's JSON."""
    return replace(order, source={**order.source, **source})


def test_an_order_that_is_sent(make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]) -> None:
    """Every rule of `skip`, consent, payment and skip_if say no, each with its fact, in the order they are asked."""
    order = with_source(make_order(), source_name="web", test=False, financial_status="paid")
    found = judged(order, make_rules())
    assert (*FIRST, "too_old", "skip_if", "zero_value", "no_browser") == tuple(found)
    assert {"no"} == {verdict.finding.value for verdict in found.values()}
    assert set(SKIP_RULES) | {"consent", "unpaid", "skip_if"} == set(found)
    assert ("no", "source_name is web") == said(found, "pos")
    assert ("no", "test is false") == said(found, "test")
    assert ("no", "b2b is empty") == said(found, "b2b")
    assert ("no", "cancelled_at is empty") == said(found, "cancelled")
    assert ("no", "payment is paid (financial_status is paid); counted once paid") == said(found, "unpaid")
    assert ("no", "value 18.00") == said(found, "zero_value")
    assert ("no", "IP address 203.0.113.9, user agent Mozilla/5.0") == said(found, "no_browser")
    assert ("no", "the mapping has none") == said(found, "skip_if")
    assert ("no", "not required; the order says nothing about it") == said(found, "consent")


def test_the_one_that_fired(make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]) -> None:
    """The first that applies fired; others that apply would fire too, or aren't asked for."""
    traits = frozenset({Trait.POS, Trait.B2B, Trait.TEST})
    order = make_order(traits=traits, buyer=Buyer(emails=("a@example.com",), user_agent="Mozilla/5.0"))
    found = judged(with_source(order, source_name="pos"), make_rules(skip=frozenset(SKIP_RULES) - {"test"}))
    assert ("fired", "source_name is pos") == said(found, "pos")
    assert "not in skip" == said(found, "test")[0]
    assert "fires too" == said(found, "b2b")[0]
    assert ("fires too", "IP address empty, user agent Mozilla/5.0") == said(found, "no_browser")


@pytest.mark.parametrize(
    ("skip", "finding"), [(frozenset({"zero_value"}), "fired"), (frozenset[str](), "not in skip")]
)
def test_a_free_order(
    make_order: Callable[..., Order],
    make_line: Callable[..., Any],
    make_rules: Callable[..., ShopRules],
    skip: frozenset[str],
    finding: str,
) -> None:
    """The value to be sent is the fact."""
    order = make_order(lines=(make_line(total=Decimal("0.00")),))
    assert (finding, "value 0.00") == said(judged(order, make_rules(skip=skip)), "zero_value")


def test_payment(make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]) -> None:
    """How far the money is stands beside what the shop counts; it doesn't touch the other rules."""
    order = with_source(make_order(traits=frozenset({Trait.POS})), financial_status="pending", paid_at="never")
    order = replace(order, standing=replace(order.standing, payment=Payment.UNPAID))
    found = judged(order, make_rules(skip=frozenset()))
    expected = "payment is unpaid (financial_status is pending, paid_at is never); counted once paid"
    assert ("fired", expected) == said(found, "unpaid")
    assert "not in skip" == said(found, "pos")[0]
    assert {"no"} == {said(found, rule)[0] for rule in ("test", "cancelled", "b2b")}
    assert "no" == said(judged(order, make_rules(skip=frozenset(), count="placed")), "unpaid")[0]


def test_closed(make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]) -> None:
    """A cancelled order says by which field."""
    order = with_source(make_order(), cancelled_at="2026-05-02", refunds=[{"id": 1}])
    order = replace(order, standing=replace(order.standing, closed="cancelled"))
    assert ("fired", "cancelled_at is 2026-05-02, refunds is there (1)") == said(
        judged(order, make_rules()), "cancelled"
    )


@pytest.mark.parametrize(("days", "finding"), [(0, "no"), (7, "no"), (8, "open"), (-1, "no")])
def test_age(make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], days: int, finding: str) -> None:
    """Too old is an order by its age when it comes in: an older one now says nothing about then."""
    fact = f"{max(days, 0)} of 7 days old now; it counts how old it is when it comes in"
    assert (finding, fact) == said(judged(make_order(), make_rules(), days), "too_old")


def test_age_without_a_clock(make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]) -> None:
    """Without the present time nothing is said about the age."""
    assert ("open", "the order doesn't say how old it is") == said(judged(make_order(), make_rules(), None), "too_old")


@pytest.mark.parametrize(
    ("required", "answer", "finding", "fact"),
    [
        (False, "denied", "fired", "not required; the order says denied"),
        (True, "granted", "no", "required; the order says granted"),
        (True, None, "fired", "required; the order says nothing about it"),
    ],
)
def test_consent(
    make_order: Callable[..., Order],
    make_rules: Callable[..., ShopRules],
    *,
    required: bool,
    answer: str | None,
    finding: str,
    fact: str,
) -> None:
    """The order's own answer is shown; a refusal fires whatever is required."""
    order = with_source(make_order(), note_attributes=[{"name": "ad_consent", "value": answer}])
    assert (finding, fact) == said(judged(order, make_rules(consent_required=required)), "consent")


@pytest.mark.parametrize(("tags", "finding"), [("ads", "no"), ("", "fired")])
def test_consent_by_expression(
    make_order: Callable[..., Order],
    make_rules: Callable[..., ShopRules],
    mapping_document: dict[str, Any],
    tags: str,
    finding: str,
) -> None:
    """With granted_if its expression is shown, and what that read."""
    mapping_document["consent"] = {"granted_if": "contains(order.tags, 'ads')"}
    found = judged(with_source(make_order(), tags=tags), make_rules(mapping_document, consent_required=True))
    fact = f"required; contains(order.tags, 'ads'): tags is {tags or 'empty'}"
    assert (finding, fact) == said(found, "consent")


@pytest.mark.parametrize(
    ("tags", "finding", "fact"),
    [
        ("wholesale", "fired", "contains(order.tags, 'wholesale'): tags is wholesale"),
        ("retail", "no", "contains(order.tags, 'wholesale'): tags is retail"),
        (7, "open", "it failed: contains() wants array or string, and found a number; order.tags is a number"),
    ],
)
def test_skip_if(
    make_order: Callable[..., Order],
    make_rules: Callable[..., ShopRules],
    mapping_document: dict[str, Any],
    tags: Any,
    finding: str,
    fact: str,
) -> None:
    """The expression is shown with what it read; when it fails, with the reason."""
    mapping_document["orders"] = {"skip_if": "contains(order.tags, 'wholesale')"}
    found = judged(with_source(make_order(), tags=tags), make_rules(mapping_document))
    assert (finding, fact) == said(found, "skip_if")


def test_an_order_that_makes_no_event(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """Rules that look at the event can't be asked when the mapping fails."""
    mapping_document["event"]["data"]["value"] = "sum(order.id)"
    found = judged(make_order(), make_rules(mapping_document))
    assert {("open", "the order can't become an event")} == {
        said(found, rule) for rule in ("zero_value", "no_browser")
    }
