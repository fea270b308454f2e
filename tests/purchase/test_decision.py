"""The whole thought about one order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapter.purchase.decision import ShopRules, consent_in, decide
from adapter.purchase.order import Buyer, LineItem, Order, Trait


def with_consent(answer: str) -> dict[str, Any]:
    """Return an order's JSON that carries an answer."""
    return {"id": 1, "note_attributes": [{"name": "ad_consent", "value": answer}]}


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        (with_consent("granted"), "granted"),
        (with_consent(" DENIED "), "denied"),
        (with_consent("perhaps"), None),
        ({"meta_data": [{"key": "_ad_consent", "value": "denied"}]}, "denied"),
        ({"note_attributes": [{"name": "ad_consent", "value": a} for a in ("granted", "denied")]}, "denied"),
        ({"note_attributes": None, "meta_data": {"odd": 1}}, None),
        ({}, None),
    ],
)
def test_the_answer_in_the_order(source: dict[str, Any], answer: str | None) -> None:
    """A storefront writes the answer into note attributes or meta data; one refusal is a refusal."""
    assert answer == consent_in(source)


@pytest.mark.parametrize(
    ("required", "in_order", "stored", "skip"),
    [
        (False, None, None, None),
        (False, "denied", None, "consent denied"),
        (False, None, "denied", "consent denied"),
        (False, "granted", "denied", "consent denied"),
        (True, None, None, "no consent"),
        (True, "granted", None, None),
        (True, None, "granted", None),
        (True, "denied", "granted", "consent denied"),
    ],
)
def test_consent(
    make_order: Callable[..., Order],
    make_rules: Callable[..., ShopRules],
    required: bool,
    in_order: str | None,
    stored: str | None,
    skip: str | None,
) -> None:
    """A refusal wins wherever it is recorded; a yes is needed where the mapping requires it."""
    order = make_order(source=with_consent(in_order) if in_order else {"id": 1})
    decision = decide(order, {"consent": stored} if stored else {}, make_rules(consent_required=required), None)
    assert skip == (decision.skip.rule if decision.skip else None)


def test_consent_by_expression(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """The mapping may say how an order shows the yes; it isn't asked when the buyer refused."""
    mapping_document["consent"] = {"granted_if": "order.marketing == `true`"}
    rules = make_rules(mapping_document, consent_required=True)
    assert decide(make_order(source={"id": 1, "marketing": True}), {}, rules, None).skip is None
    assert decide(make_order(source={"id": 1, "marketing": False}), {}, rules, None).skip is not None
    mapping_document["consent"] = {"granted_if": "sum(order.id) == `1`"}
    rules = make_rules(mapping_document, consent_required=True)
    skip = decide(make_order(source=with_consent("denied")), {}, rules, None).skip
    assert skip is not None
    assert "consent denied" == skip.rule


def test_skipping_by_expression(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """`skip_if` skips and names itself; when it fails the order is a problem, not a purchase."""
    mapping_document["orders"] = {"skip_if": "contains(order.tags || '', 'wholesale')"}
    rules = make_rules(mapping_document)
    decision = decide(make_order(source={"id": 1, "tags": "wholesale, vip"}), {}, rules, None)
    expected = "skip_if: the mapping says so: contains(order.tags || '', 'wholesale')"
    assert expected == str(decision.skip)
    assert decide(make_order(source={"id": 1, "tags": ""}), {}, rules, None).to_send is not None
    decision = decide(make_order(source={"id": 1, "tags": 5}), {}, rules, None)
    assert decision.problems[0].startswith("orders.skip_if = contains(")


def test_rules_of_order_event_and_age(
    make_order: Callable[..., Order], make_line: Callable[..., LineItem], make_rules: Callable[..., ShopRules]
) -> None:
    """Rules on the order come before the event; a zero value and a missing browser are seen in the event."""
    rules = make_rules()
    skips = {
        "pos": make_order(traits=frozenset({Trait.POS})),
        "zero_value": make_order(lines=(make_line(total=Decimal(0)),)),
        "no_browser": make_order(buyer=Buyer(emails=("a@example.com",))),
    }
    for rule, order in skips.items():
        decision = decide(order, {}, rules, None)
        assert decision.skip is not None
        assert (rule, None) == (decision.skip.rule, decision.to_send)
    too_old = decide(make_order(), {}, rules, timedelta(days=8))
    assert too_old.skip is not None
    assert "too_old" == too_old.skip.rule


def test_contract_problems(make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]) -> None:
    """What the API would refuse is a problem before any request."""
    decision = decide(make_order(buyer=Buyer(ip="203.0.113.9", user_agent="x")), {}, make_rules(), None)
    expected = "event.user_data: needs at least one of client_id, axwrt, alart, user_id, email, phone"
    assert (expected,) == decision.problems
    assert decision.to_send is None
    assert decision.event is not None
