"""Which orders count, and why not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from adapter.purchase.order import Order, Payment, Standing, Trait
from adapter.purchase.rules import Policy, counts, skip_by_consent, skip_by_event, skip_by_order


@pytest.mark.parametrize(
    ("payment", "paid", "authorized", "placed"),
    [
        (Payment.PAID, True, True, True),
        (Payment.AUTHORIZED, False, True, True),
        (Payment.UNPAID, False, False, True),
    ],
)
def test_counting(payment: Payment, paid: bool, authorized: bool, placed: bool) -> None:
    """An order counts once the money is as far as the shop says, unless something has undone it."""
    standing = Standing(payment=payment)
    assert (paid, authorized, placed) == (
        counts(standing, "paid"),
        counts(standing, "authorized"),
        counts(standing, "placed"),
    )
    assert not counts(Standing(payment=payment, closed="refunded"), "placed")


@pytest.mark.parametrize(
    ("trait", "words"),
    [
        (Trait.TEST, "test: paid with a test payment"),
        (Trait.POS, "pos: sold in the store, not on the web"),
        (Trait.DRAFT, "draft: a draft that the staff made"),
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
