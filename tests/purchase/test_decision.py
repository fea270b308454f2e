"""The whole thought about one order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace

from adapter.purchase.decision import ShopRules, consent_in, decide
from adapter.purchase.order import Buyer, LineItem, Order, Payment, Standing, Trait


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


ANSWERS = (None, "granted", "denied")


def expected_of(required: bool, in_order: str | None, stored: str | None, granted_if: str | None) -> str | None:
    """Return by which rule the order is skipped, "problem" when the mapping fails: the policy in plain words."""
    if "denied" in (in_order, stored):
        return "consent denied"
    if not required or "granted" in (in_order, stored) or granted_if == "`true`":
        return None
    return "problem" if granted_if == "sum(order.id)" else "no consent"


@pytest.mark.parametrize("policy", list(product([True, False], [None, "`true`", "`false`", "sum(order.id)"])))
@pytest.mark.parametrize("answers", list(product(ANSWERS, ANSWERS)))
def test_the_consent_matrix(
    make_order: Callable[..., Order],
    make_rules: Callable[..., ShopRules],
    mapping_document: dict[str, Any],
    policy: tuple[bool, str | None],
    answers: tuple[str | None, str | None],
) -> None:
    """Every combination of the policy, the order's answer, the stored one and the mapping's condition."""
    (required, granted_if), (in_order, stored) = policy, answers
    if granted_if is not None:
        mapping_document["consent"] = {"granted_if": granted_if}
    rules = make_rules(mapping_document, consent_required=required)
    order = make_order(source=with_consent(in_order) if in_order else {"id": 1})
    decision = decide(order, {"consent": stored} if stored else {}, rules, None)
    found = decision.skip.rule if decision.skip else "problem" if decision.problems else None
    assert expected_of(required, in_order, stored, granted_if) == found
    assert (decision.to_send is not None) is (found is None)


def test_a_refusal_wins_over_everything(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """A refusal is obeyed, so that its order is purged, though the order is cancelled and every expression fails."""
    failing = "sum(order.id)"
    mapping_document["clicks"] = {"aleid": [failing]}
    mapping_document["orders"] = {"skip_if": failing}
    mapping_document["consent"] = {"granted_if": failing}
    mapping_document["event"]["dedupe_id"] = failing
    order = make_order(
        source=with_consent("denied"),
        standing=Standing(payment=Payment.UNPAID, closed="cancelled"),
        traits=frozenset({Trait.TEST}),
    )
    decision = decide(order, {}, make_rules(mapping_document, consent_required=True), timedelta(days=99))
    assert "consent denied: the buyer refused" == str(decision.skip)
    assert () == decision.problems


def test_the_order_of_all_reasons(
    make_order: Callable[..., Order],
    make_line: Callable[..., LineItem],
    mapping_document: dict[str, Any],
    make_rules: Callable[..., ShopRules],
) -> None:
    """An order against which everything speaks: take the reason away, and the next one is found, to the last."""
    mapping_document["orders"] = {"skip_if": "order.wholesale"}
    rules = make_rules(mapping_document, consent_required=True)
    steps: list[dict[str, Any]] = [
        {"source": {**with_consent("denied"), "wholesale": True}},
        {"source": {"id": 1, "wholesale": True}},
        {"source": {**with_consent("granted"), "wholesale": True}},
        {"standing": Standing(payment=Payment.UNPAID)},
        {"traits": frozenset()},
        {"standing": Standing(payment=Payment.PAID)},
        {"source": with_consent("granted")},
        {"lines": (make_line(),)},
        {"buyer": Buyer(ip="203.0.113.9", user_agent="x")},
    ]
    order = make_order(
        standing=Standing(payment=Payment.UNPAID, closed="voided"),
        traits=frozenset({Trait.B2B}),
        lines=(make_line(total=Decimal(0)),),
        buyer=Buyer(),
    )
    found: list[str] = []
    for step in steps:
        order = replace(order, **step)
        decision = decide(order, {}, rules, None)
        found.append(decision.skip.rule if decision.skip else decision.problems[0])
    expected = ["consent denied", "no consent", "cancelled", "b2b", "unpaid", "skip_if", "zero_value", "no_browser"]
    assert expected == found[:-1]
    assert found[-1].startswith("event.user_data: needs at least one of")


def test_skipped_orders_keep_what_was_found(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]
) -> None:
    """A skip after the event still has the event; one before it tells the identifiers that were found."""
    before = decide(make_order(traits=frozenset({Trait.POS})), {"aleid": "x"}, make_rules(), None)
    assert ({"aleid": "x"}, None) == (before.clicks.values, before.event)
    after = decide(make_order(buyer=Buyer(emails=("a@example.com",))), {}, make_rules(), None)
    assert after.event is not None
    assert after.to_send is None
    assert () == after.problems  # A skipped order has no problem: nobody needs to look at it.


def test_all_warnings_come_together(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """Warnings of the reading, the cleaning, the identifiers and the event stand in this order."""
    mapping_document["clicks"] = {"aleid": ["sum(order.id)"]}
    mapping_document["event"]["user_data"]["zip"] = "sum(order.id)"
    decision = decide(make_order(warnings=("read so",)), {}, make_rules(mapping_document), None)
    assert decision.to_send is not None
    assert ["read so", "the customer id", "clicks.aleid passed over", "event.user_data.zip was left out"] == [
        warning[: len(start)]
        for warning, start in zip(
            decision.warnings,
            ["read so", "the customer id", "clicks.aleid passed over", "event.user_data.zip was left out"],
            strict=True,
        )
    ]


@pytest.mark.parametrize(
    "target", ["dedupe_id", "user_data.esi", "data.currency", "data.items.price", "user_data.zip"]
)
@pytest.mark.parametrize(
    "expression", ["sum(order.secret)", "order.secret > `1`", "order.odd", "lookup(order.secret, 'x')"]
)
def test_nothing_personal_in_words(
    make_order: Callable[..., Order],
    make_rules: Callable[..., ShopRules],
    mapping_document: dict[str, Any],
    target: str,
    expression: str,
) -> None:
    """Whatever fails wherever, problems and warnings name targets, expressions and kinds, and no value."""
    secret = "ada@example.com"
    *steps, last = target.split(".")
    table: Any = mapping_document["event"]
    for step in steps:
        table = table[step]
    table[last] = expression
    order = make_order(source={"id": 1, "secret": secret, "odd": [secret]}, warnings=())
    decision = decide(order, {}, make_rules(mapping_document), None)
    words = " ".join((*decision.problems, *decision.warnings))
    assert expression in words
    assert secret not in words
    assert (target == "user_data.zip") is (decision.to_send is not None)


def test_the_shop_in_expressions(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """An expression may use the shop's own name, platform and address."""
    mapping_document["event"]["dedupe_id"] = "join('-', [shop.platform, shop.name, to_string(order.id)])"
    event = decide(make_order(), {}, make_rules(mapping_document), None).to_send
    assert event is not None
    assert "shopify-acme-5001" == event.fields["dedupe_id"]
