"""The whole way of a sale: from the platform's JSON through the shipped mapping file to the bytes of the event."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from laws import shopify_bodies, woocommerce_bodies
from laws.shopify_draws import shopify_sales
from laws.woocommerce_sales import woocommerce_sales

from adapter.platforms.document import parse_document
from adapter.platforms.registry import PLATFORMS
from adapter.platforms.webhook import Side
from adapter.purchase.decision import Decision, ShopRules, decide
from adapter.purchase.order import Order

Json = dict[str, Any]

_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a body: the order that was read, and the decision on it."""

    order: Order
    decision: Decision

    @property
    def sent(self) -> bytes | None:
        """The bytes of the event, None when it is skipped; an order of these laws is never refused."""
        assert () == self.decision.problems
        event = self.decision.to_send
        return event.encode() if event else None

    @property
    def wire(self) -> Json | None:
        """The event as any JSON reader sees it; None when it is skipped."""
        return None if (sent := self.sent) is None else read_numbers(sent, Decimal)

    @property
    def rest(self) -> dict[str, Fraction]:
        """The named rest, without what is 0."""
        found: dict[str, Fraction] = {}
        for part in self.order.rest:
            found[part.name] = found.get(part.name, Fraction(0)) + Fraction(part.amount)
        return {name: amount for name, amount in found.items() if amount}

    @property
    def sums(self) -> tuple[object, ...]:
        """Everything that is a sum over the order."""
        order = self.order
        sums = (order.currency, order.items_value, order.tax, order.shipping, order.total, order.remainder)
        data = (self.wire or {}).get("data", {})
        return (*sums, self.rest, *(data.get(name) for name in ("currency", "value", "tax", "shipping")))


def read_numbers(sent: bytes, number: Callable[[str], Any]) -> Any:  # JSON of any kind.
    """Read JSON with a reader of our own for each number, as it is written."""
    return json.loads(sent, parse_float=number, parse_int=number, parse_constant=number)


def plain_number(text: str) -> Decimal:
    """Read a number that is written with digits alone; no exponent, no NaN."""
    assert _PLAIN.fullmatch(text), f"the number {text} isn't written plainly"
    return Decimal(text)


@dataclass(frozen=True, slots=True)
class Way:
    """One platform: its sales, how they are told, and the rules of its shipped mapping file."""

    rules: ShopRules
    sales: Callable[..., Any]
    body: Callable[[Any], Json]
    refunded: Callable[[Any, Json], Json]

    def go(self, body: Json, side: Side = "presentment") -> Outcome:
        """Take a body the whole way."""
        document = parse_document(json.dumps(body).encode())
        order = PLATFORMS[self.rules.platform].read_order(document, side)
        return Outcome(order, decide(order, {}, self.rules, None))

    def of(self, sale: Any, side: Side = "presentment") -> Outcome:  # A sale of this platform.
        """Tell the sale and take it the whole way."""
        return self.go(self.body(sale), side)


def ways(rules: Mapping[str, ShopRules]) -> Mapping[str, Way]:
    """Return the way of each platform."""
    shopify = (shopify_sales, shopify_bodies.shopify_body, shopify_bodies.refunded)
    woocommerce = (woocommerce_sales, woocommerce_bodies.woocommerce_body, woocommerce_bodies.refunded)
    return {"shopify": Way(rules["shopify"], *shopify), "woocommerce": Way(rules["woocommerce"], *woocommerce)}
