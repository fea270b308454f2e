"""Which orders count, and why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from adapter.purchase.order import Order, Payment, Standing, Trait
from adapter.purchase.rules import (
    SKIP_RULES,
    Policy,
    countable_since,
    counts,
    skip_by_consent,
    skip_by_event,
    skip_by_order,
)


@pytest.mark.parametrize(
    ("payment", "paid", "authorized", "placed"),
    [
        (Payment.PAID, True, True, True),
        (Payment.AUTHORIZED, False, True, True),
        (Payment.UNPAID, False, False, True),
        (Payment.FAILED, False, False, False),
        (Payment.UNPLACED, False, False, False),
    ],
)
def test_counting(
    make_policy: Callable[..., Policy], payment: Payment, paid: bool, authorized: bool, placed: bool
) -> None:
    """An order counts once it is as far as the shop says: a failed payment or an open checkout is no order yet."""
    policies = [make_policy(count=count) for count in ("paid", "authorized", "placed")]
    assert [paid, authorized, placed] == [counts(Standing(payment=payment), policy) for policy in policies]
    closed = Standing(payment=payment, closed="refunded")
    assert not any(counts(closed, policy) for policy in policies)
    counting_closed = [replace(policy, skip=policy.skip - {"cancelled"}) for policy in policies]
    assert [paid, authorized, placed] == [counts(closed, policy) for policy in counting_closed]


@pytest.mark.parametrize(
    ("count", "placed", "paid", "since"),
    [
        ("paid", 1, 5, 5),
        ("authorized", 1, 5, 5),
        ("placed", 1, 5, 1),
        ("paid", 1, None, 1),
        ("paid", None, None, None),
    ],
)
def test_when_an_order_became_countable(
    make_policy: Callable[..., Policy], count: str, placed: int | None, paid: int | None, since: int | None
) -> None:
    """It is when it was paid, else placed; a shop that counts placed orders counts them from there."""
    days = [day and datetime(2026, 5, day, tzinfo=UTC) for day in (placed, paid, since)]
    standing = Standing(payment=Payment.PAID, placed_at=days[0], paid_at=days[1])
    assert days[2] == countable_since(standing, make_policy(count=count))


@pytest.mark.parametrize(
    ("trait", "words"),
    [
        (Trait.TEST, "test: paid with a test payment"),
        (Trait.POS, "pos: sold in the store, not on the web"),
        (Trait.DRAFT, "draft: a draft, made by the staff or not placed yet"),
        (Trait.RENEWAL, "renewal: an automatic renewal of a subscription"),
        (Trait.IMPORTED, "imported: imported or created by a program, not bought in the shop"),
        (Trait.B2B, "b2b: bought by a business customer"),
        (Trait.SUB_ORDER, "sub_order: a part of another order, which is counted already"),
    ],
)
def test_traits(
    make_order: Callable[..., Order], make_policy: Callable[..., Policy], trait: Trait, words: str
) -> None:
    """Each trait skips by its rule with its words, and only when the rule is on."""
    order = make_order(traits=frozenset({trait}))
    assert words == str(skip_by_order(order, make_policy(), None))
    others = make_policy().skip - {trait.value}
    assert skip_by_order(order, make_policy(skip=others), None) is None


def test_closed_orders(make_order: Callable[..., Order], make_policy: Callable[..., Policy]) -> None:
    """A cancelled order is skipped with the platform's word, unless the shop counts such orders."""
    order = make_order(standing=Standing(payment=Payment.PAID, closed="refunded"))
    assert "cancelled: the order is refunded" == str(skip_by_order(order, make_policy(), None))
    assert skip_by_order(order, make_policy(skip=frozenset()), None) is None


def test_unpaid_orders(make_order: Callable[..., Order], make_policy: Callable[..., Policy]) -> None:
    """An unpaid order always waits, whatever rules are on."""
    order = make_order(standing=Standing(payment=Payment.UNPAID))
    expected = "unpaid: the order is unpaid; it is sent when it is paid"
    assert expected == str(skip_by_order(order, make_policy(skip=frozenset()), None))


@pytest.mark.parametrize(("days", "skipped"), [(7, False), (8, True)])
def test_old_orders(
    make_order: Callable[..., Order], make_policy: Callable[..., Policy], days: int, skipped: bool
) -> None:
    """An order that came in too late is skipped; an unknown age skips nothing."""
    skip = skip_by_order(make_order(), make_policy(), timedelta(days=days))
    assert skipped is (skip is not None)
    if skip:
        assert "too_old: it was more than 7 days old when it came in" == str(skip)
    assert skip_by_order(make_order(), make_policy(skip=frozenset()), timedelta(days=99)) is None


def test_events_without_value_or_browser(make_policy: Callable[..., Policy]) -> None:
    """A value of 0 and a missing browser skip, each only by its rule."""
    event = {"data": {"value": Decimal("0.00")}, "user_data": {"client_ip_address": "203.0.113.9"}}
    assert "zero_value: the value to be sent is 0" == str(skip_by_event(event, make_policy()))
    event["data"] = {"value": Decimal(1)}
    expected = "no_browser: the order carries no user agent of the buyer's browser"
    assert expected == str(skip_by_event(event, make_policy()))
    event["user_data"] = {}
    expected = "no_browser: the order carries no IP address and no user agent of the buyer's browser"
    assert expected == str(skip_by_event(event, make_policy()))
    assert skip_by_event(event, make_policy(skip=frozenset())) is None


@pytest.mark.parametrize(
    ("required", "granted", "denied", "skip"),
    [
        (False, False, False, None),
        (False, False, True, "consent denied: the buyer refused"),
        (True, True, True, "consent denied: the buyer refused"),
        (True, True, False, None),
        (True, False, False, "no consent: the mapping requires consent, and none is recorded for this order"),
    ],
)
def test_consent(required: bool, granted: bool, denied: bool, skip: str | None) -> None:
    """A refusal wins always; a missing yes counts only where it is required."""
    found = skip_by_consent(required=required, granted=granted, denied=denied)
    assert skip == (str(found) if found else None)


def test_the_order_of_the_rules(make_order: Callable[..., Order], make_policy: Callable[..., Policy]) -> None:
    """An order against which everything speaks is skipped by the first rule; without that by the next, to the last."""
    traits = (Trait.TEST, Trait.POS, Trait.DRAFT, Trait.RENEWAL, Trait.IMPORTED, Trait.B2B, Trait.SUB_ORDER)
    policy, age = make_policy(), timedelta(days=30)
    order = make_order(traits=frozenset(traits), standing=Standing(payment=Payment.UNPAID, closed="voided"))
    found = [skip_by_order(order, policy, age)]
    order = structs.replace(order, standing=Standing(payment=Payment.UNPAID))
    fewer = [structs.replace(order, traits=frozenset(traits[number:])) for number in range(len(traits) + 1)]
    found += [skip_by_order(order, policy, age) for order in fewer]
    found.append(skip_by_order(make_order(), policy, age))
    assert ["cancelled", *traits, "unpaid", "too_old"] == [skip.rule for skip in found if skip]


@pytest.mark.parametrize(
    ("age", "skipped"),
    [
        (None, False),
        (timedelta(days=-1), False),
        (timedelta(0), False),
        (timedelta(days=7), False),
        (timedelta(days=7, microseconds=1), True),
    ],
)
def test_the_limit_of_age(
    make_order: Callable[..., Order], make_policy: Callable[..., Policy], age: timedelta | None, skipped: bool
) -> None:
    """Exactly the limit is young enough, a microsecond more isn't; an unknown age and a wrong clock skip nothing."""
    assert skipped is (skip_by_order(make_order(), make_policy(), age) is not None)


@pytest.mark.parametrize(
    ("payment", "count", "words"),
    [
        (Payment.UNPAID, "paid", "unpaid: the order is unpaid; it is sent when it is paid"),
        (Payment.UNPAID, "authorized", "unpaid: the order is unpaid; it is sent when it is authorized"),
        (Payment.AUTHORIZED, "paid", "unpaid: the order is authorized; it is sent when it is paid"),
        (Payment.AUTHORIZED, "authorized", None),
        (Payment.UNPAID, "placed", None),
        (Payment.FAILED, "placed", "unpaid: the order is failed; it is sent when it is placed"),
        (Payment.UNPLACED, "placed", "unpaid: the order is not placed yet; it is sent when it is placed"),
        (Payment.PAID, "authorized", None),
    ],
)
def test_what_an_unpaid_order_waits_for(
    make_order: Callable[..., Order],
    make_policy: Callable[..., Policy],
    payment: Payment,
    count: str,
    words: str | None,
) -> None:
    """The words say how far the money is and how far it must be."""
    skip = skip_by_order(make_order(standing=Standing(payment=payment)), make_policy(count=count), None)
    assert words == (str(skip) if skip else None)


@pytest.mark.parametrize(
    ("value", "skipped"),
    [(Decimal("0.00"), True), (0, True), (Decimal("0.001"), False), (Decimal(-1), False), (None, False)],
)
def test_zero_values(make_policy: Callable[..., Policy], value: object, skipped: bool) -> None:
    """Only nothing is nothing: a negative or a missing value is the contract's matter."""
    event = {
        "data": {} if value is None else {"value": value},
        "user_data": {"client_ip_address": "203.0.113.9", "client_user_agent": "x"},
    }
    assert skipped is (skip_by_event(event, make_policy()) is not None)


def test_a_zero_value_comes_before_a_missing_browser(make_policy: Callable[..., Policy]) -> None:
    """An event with both faults is skipped for its value; a missing address alone is named alone."""
    event: dict[str, dict[str, object]] = {"data": {"value": 0}, "user_data": {"client_user_agent": "x"}}
    assert "zero_value" == getattr(skip_by_event(event, make_policy()), "rule", None)
    event["data"] = {"value": 1}
    expected = "no_browser: the order carries no IP address of the buyer's browser"
    assert expected == str(skip_by_event(event, make_policy()))


@pytest.mark.parametrize(
    ("user_data", "words"),
    [
        ({"client_ip_address": "203.0.113.5", "client_user_agent": "Buyer/1"}, "no IP address"),
        ({"client_ip_address": "203.0.113.9", "client_user_agent": "Staff/1"}, "no user agent"),
        ({"client_ip_address": "203.0.113.5", "client_user_agent": "Staff/1"}, "no IP address and no user agent"),
        ({"client_ip_address": "203.0.113.9", "client_user_agent": "Buyer/1"}, None),
    ],
)
def test_the_staffs_browser_is_none_of_the_buyers(
    make_policy: Callable[..., Policy], user_data: dict[str, str], words: str | None
) -> None:
    """An address or user agent that is known to be the staff's counts as missing, wherever the mapping found it."""
    event = {"data": {"value": Decimal(1)}, "user_data": user_data}
    staff = frozenset(("203.0.113.5", "Staff/1"))
    expected = words and f"no_browser: the order carries {words} of the buyer's browser"
    skip = skip_by_event(event, make_policy(), staff)
    assert expected == (str(skip) if skip else None)
    assert skip_by_event(event, make_policy(skip=frozenset()), staff) is None


def test_every_rule_of_the_mapping_file_skips_something() -> None:
    """The names that a mapping file may list are the traits and the four rules that are tested above."""
    assert {trait.value for trait in Trait} | {"zero_value", "cancelled", "too_old", "no_browser"} == set(SKIP_RULES)
