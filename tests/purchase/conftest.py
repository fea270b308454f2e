"""Orders made by hand, and the shipped rules to judge them by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from adapter.errors import Place
from adapter.purchase.decision import ShopRules
from adapter.purchase.mapping import MappingCompiler
from adapter.purchase.order import Buyer, LineItem, Order, Payment, PhoneNumber, Standing
from adapter.purchase.rules import SKIP_RULES, Policy

PLACED = datetime(2026, 5, 1, 12, 0, 0, 123000, tzinfo=UTC)

MAPPING: dict[str, Any] = {
    "clicks": {"aleid": ["attribute(order, '_axon_event_id')", "stored.aleid"], "axwrt": ["stored.axwrt"]},
    "event": {
        "dedupe_id": "order.id",
        "event_time": "purchase.placed_at",
        "event_source_url": "purchase.source_url",
        "user_data": {
            "esi": "'web'",
            "client_ip_address": "purchase.ip",
            "client_user_agent": "purchase.user_agent",
            "email": "purchase.email",
            "phone": "purchase.phone_plain",
            "aleid": "clicks.aleid",
            "axwrt": "clicks.axwrt",
            "country_code": "purchase.country_code",
        },
        "data": {
            "transaction_id": "order.id",
            "currency": "purchase.currency",
            "value": "purchase.items_value",
            "tax": "purchase.tax",
            "shipping": "purchase.shipping",
            "items": {
                "item_id": "item.id",
                "item_name": "item.title",
                "price": "item.price",
                "quantity": "item.quantity",
            },
        },
    },
}


def a_line(**changes: Any) -> LineItem:  # Any field of a line.
    """Return two mugs for 20.00, of which 2.00 were taken off."""
    line = LineItem(
        product_id="77",
        variant_id=None,
        sku="MUG",
        title="Mug",
        quantity=Decimal(2),
        total=Decimal("18.00"),
        total_before_discount=Decimal("20.00"),
        tax=Decimal("3.42"),
        source={"id": 1, "vendor": "Acme"},
    )
    return structs.replace(line, **changes)


def an_order(**changes: Any) -> Order:  # Any field of an order.
    """Return a paid web order over two mugs."""
    order = Order(
        platform="shopify",
        id="5001",
        token="t",
        placed_at=PLACED,
        standing=Standing(payment=Payment.PAID, placed_at=PLACED),
        traits=frozenset(),
        currency="EUR",
        lines=(a_line(),),
        tax=Decimal("4.37"),
        shipping=Decimal("5.00"),
        rest=(),
        total=Decimal("27.37"),
        buyer=Buyer(
            emails=(" Ada@Example.com ",),
            phones=(PhoneNumber(text="0341 5550142", country_code="DE"),),
            user_id="42",
            zip="04109",
            country_code="DE",
            ip="203.0.113.9",
            user_agent="Mozilla/5.0",
        ),
        page="/",
        source={"id": 5001, "note_attributes": []},
    )
    return structs.replace(order, **changes)


def a_policy(**changes: Any) -> Policy:  # Any field of a policy.
    """Return the policy of the shipped files."""
    policy = Policy(
        count="paid",
        side="presentment",
        skip=frozenset(SKIP_RULES),
        max_age=timedelta(days=7),
        hold=timedelta(seconds=20),
        consent_required=False,
    )
    return replace(policy, **changes)


def some_rules(document: dict[str, Any] | None = None, **changes: Any) -> ShopRules:  # As above.
    """Return the rules of a shop with this mapping, and a policy with these changes."""
    document = document or MAPPING
    compiler = MappingCompiler({"": Place("mappings/acme.toml")}, document.get("tables", {}))
    mapping = compiler.compile(document)
    assert [] == compiler.problems
    return ShopRules(
        name="acme",
        platform="shopify",
        site_url="https://shop.example",
        policy=a_policy(**changes),
        mapping=mapping,
    )


@pytest.fixture
def make_order() -> Callable[..., Order]:
    """Return the maker of orders."""
    return an_order


@pytest.fixture
def make_line() -> Callable[..., LineItem]:
    """Return the maker of lines."""
    return a_line


@pytest.fixture
def make_policy() -> Callable[..., Policy]:
    """Return the maker of policies."""
    return a_policy


@pytest.fixture
def make_rules() -> Callable[..., ShopRules]:
    """Return the maker of rules."""
    return some_rules


@pytest.fixture
def mapping_document() -> dict[str, Any]:
    """Return the tables of a small mapping file, to be changed."""
    import copy  # noqa: PLC0415

    return copy.deepcopy(MAPPING)
