"""The canonical nouns: an order, its lines, its buyer and its amounts, whichever platform they came from.

Every amount of one order is of one currency and of one side (all shop money or all presentment money), in major
units. Amounts are `Decimal`, times are aware and in UTC, ids are strings.

They are made for every order, as structs: a frozen dataclass takes ten times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from msgspec import Struct


class Payment(StrEnum):
    """How far the order and its money are."""

    UNPLACED = "not placed yet"
    """A checkout that the buyer hasn't finished."""
    FAILED = "failed"
    """The payment was tried and failed; it may be tried again."""
    UNPAID = "unpaid"
    AUTHORIZED = "authorized"
    PAID = "paid"


class Trait(StrEnum):
    """What kind of order it is, read from the signed body; each is the name of a skip rule."""

    TEST = "test"
    POS = "pos"
    DRAFT = "draft"
    RENEWAL = "renewal"
    IMPORTED = "imported"
    B2B = "b2b"
    SUB_ORDER = "sub_order"


class Standing(Struct, frozen=True, kw_only=True):
    """Whether an order is a sale yet, or no longer.

    `closed` is the platform's word when it is no sale any more: "cancelled", "refunded", "voided", "trashed".
    `placed_at` and `paid_at` are when it was placed and paid; None when the body doesn't say.
    """

    payment: Payment
    closed: str | None = None
    placed_at: datetime | None = None
    paid_at: datetime | None = None


class NamedAmount(Struct, frozen=True, kw_only=True):
    """An amount that is neither items, tax nor shipping: a tip, a fee, a duty. May be negative."""

    name: str
    amount: Decimal


class _FromPlatform(Struct, frozen=True, kw_only=True):
    """What was read from a part of the platform's own JSON, which stays out of texts: it is long, and personal."""

    source: Mapping[str, Any]

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name != "source")
        return f"{type(self).__name__}({', '.join(shown)})"


class LineItem(_FromPlatform, frozen=True, kw_only=True):
    """One line of an order.

    `total` is what the whole line costs after every discount and without tax, `total_before_discount` the same
    before discounts, `tax` the tax on it. `quantity` may be fractional. `source` is the platform's own JSON.
    """

    product_id: str | None
    variant_id: str | None
    sku: str | None
    title: str
    quantity: Decimal
    total: Decimal
    total_before_discount: Decimal
    tax: Decimal


class PhoneNumber(Struct, frozen=True, kw_only=True):
    """A phone number as it was typed, with the country (ISO 3166 alpha-2) of the address that it stood in."""

    text: str
    country_code: str | None


class Buyer(Struct, frozen=True, kw_only=True):
    """Who bought, as the platform says it: raw values, best candidate first; cleaning is `identity`'s duty.

    `not_buyers` are IP addresses and user agents in the order's JSON that are evidently of the shop's staff: they
    aren't taken for the buyer's, whatever a mapping says.
    """

    emails: tuple[str, ...] = ()
    phones: tuple[PhoneNumber, ...] = ()
    user_id: str | None = None
    zip: str | None = None
    country_code: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    not_buyers: frozenset[str] = frozenset()


class Order(_FromPlatform, frozen=True, kw_only=True):
    """An order of any platform.

    `token` tells two different orders with the same id apart (a staging clone of a shop). `page` is the path of the
    page where the purchase happened, without any key. `click_keys` are the (kind, value) pairs under which click
    identifiers may have been stored: checkout_token, cart_token, order_key, client_id. `warnings` are sentences
    about what could not be read as expected. `source` is the platform's own JSON.
    """

    platform: str
    id: str
    token: str | None
    placed_at: datetime
    standing: Standing
    traits: frozenset[Trait]
    currency: str
    lines: tuple[LineItem, ...]
    tax: Decimal
    shipping: Decimal
    rest: tuple[NamedAmount, ...]
    total: Decimal
    buyer: Buyer
    page: str
    click_keys: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def items_value(self) -> Decimal:
        """Sum of the line totals: after discounts, without tax and shipping."""
        return sum((line.total for line in self.lines), Decimal(0))

    @property
    def remainder(self) -> Decimal:
        """What is left of the total when items, tax, shipping and the named rest are taken away; 0 is right."""
        named = sum((part.amount for part in self.rest), Decimal(0))
        return self.total - self.items_value - self.tax - self.shipping - named
