"""Amounts of one side of an order: all presentment money or all shop money, never a mix and never a guess."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from adapter.errors import OrderUnreadable
from adapter.jsonvalues import is_list
from adapter.platforms.shopify.fields import mapping, text
from adapter.platforms.webhook import Side

ZERO = Decimal(0)

# Shopify's amounts are texts in major units ("409.94", JPY "23600"). `Decimal` alone would also take "1_000", "NaN"
# and digits of other scripts; and with 15 digits before the point no product of ours outgrows 28 digits.
_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,18})?")
_QUANTITY = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_MOST_PIECES = 999_999_999
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Amounts:
    """Reads amounts of one side; what couldn't be read and doesn't stop the order goes into `warnings`.

    `money` is the key of this side's half of a `_set`. `flat_fits` says whether the fields without `_set`, which are
    always shop money, are of this side too.
    Source: shopify.dev/docs/api/admin-rest/latest/resources/order.
    """

    money: str
    currency: str
    flat_fits: bool
    taxes_included: bool
    warnings: list[str] = field(default_factory=list[str])

    def find(self, holder: Mapping[str, Any], name: str, where: str = "") -> Decimal | None:
        """Return the amount `name` of this object, or None when there is none; raise if it's there but no use."""
        twin = holder.get(f"{name}_set")
        if twin is None and holder.get(name) is None:
            return None
        amount = self._usual(twin)
        return self._find_odd(holder, name, where) if amount is None else amount

    def _usual(self, twin: Any) -> Decimal | None:  # noqa: ANN401  # A body can hold anything there.
        """Return the amount as every body of today has it, None when it's written in any other way."""
        try:
            money = twin[self.money]
            if money["currency_code"] == self.currency and _AMOUNT.fullmatch(amount := money["amount"]):
                return Decimal(amount)
        except (KeyError, TypeError):
            pass
        return None

    def _find_odd(self, holder: Mapping[str, Any], name: str, where: str) -> Decimal | None:
        path = f"{where}{name}_set.{self.money}"
        money = mapping(mapping(holder.get(f"{name}_set")).get(self.money))
        amount = _number(money.get("amount"), _AMOUNT, f"{path}.amount")
        if amount is None:
            return self._flat(holder, name, where)
        stated = text(money.get("currency_code")) or text(money.get("currency"))
        if stated not in (None, self.currency):
            raise OrderUnreadable(f"{path} is in another currency than the order's, {self.currency}")
        return amount

    def _flat(self, holder: Mapping[str, Any], name: str, where: str) -> Decimal | None:
        amount = _number(holder.get(name), _AMOUNT, f"{where}{name}")
        if not amount or self.flat_fits:  # Nothing is nothing in every currency.
            return amount
        raise OrderUnreadable(
            f"{where}{name}_set has no {self.money}, and {where}{name} alone is in the shop's currency,"
            f' not in {self.currency} (orders.currency = "shop" in the mapping file reads this order)'
        )

    def require(self, holder: Mapping[str, Any], name: str, where: str = "") -> Decimal:
        """Return the amount; raise `OrderUnreadable` when it's missing."""
        amount = self.find(holder, name, where)
        if amount is None:
            raise OrderUnreadable(f"{where}{name} is missing, so the order can't be priced")
        return amount

    def attempt(self, holder: Mapping[str, Any], name: str, where: str = "") -> Decimal | None:
        """Return the amount, or None with a warning when it's there but no use: the order can do without it."""
        try:
            return self.find(holder, name, where)
        except OrderUnreadable as error:
            self.warnings.append(f"left out: {error}")
            return None

    def sum(self, holder: Mapping[str, Any], parts: str, name: str, where: str) -> Decimal:
        """Return the sum of `name` over the list `parts` of this object; an absent list is 0."""
        total, twin = ZERO, f"{name}_set"
        for index, part in enumerate(_objects(holder, parts, where)):
            amount = self._usual(part.get(twin))
            total += self.require(part, name, f"{where}{parts}[{index}].") if amount is None else amount
        return total


def amounts_of(document: Mapping[str, Any], side: Side) -> Amounts:
    """Find the currency of this side; raise `OrderUnreadable` when the order doesn't say it."""
    shop = _stated_currency(document, "currency", "shop_money")
    shown = _stated_currency(document, "presentment_currency", "presentment_money")
    # Bodies of before 2018 know one currency only and have no `_set` fields.
    currency = shop if side == "shop" or shown is None else shown
    if currency is None:
        raise OrderUnreadable("currency is missing, so the order can't be priced")
    if not _CURRENCY.fullmatch(currency):
        raise OrderUnreadable("the currency of the order isn't a three-letter code")
    money = "presentment_money" if side == "presentment" else "shop_money"
    return Amounts(money, currency, currency == shop, document.get("taxes_included") is True)


def _stated_currency(document: Mapping[str, Any], name: str, money: str) -> str | None:
    stated = text(document.get(name))
    return stated or text(mapping(mapping(document.get("total_price_set")).get(money)).get("currency_code"))


def quantity_of(line: Mapping[str, Any], where: str) -> Decimal:
    """Return how many were bought: not negative, perhaps fractional.

    It's `quantity` and not `current_quantity`, which falls with every refund (to 0 after a full one).
    """
    stated: object = line.get("quantity")
    if type(stated) is int and 0 <= stated <= _MOST_PIECES:  # As every body of today has it.
        return Decimal(stated)
    quantity = _number(stated, _QUANTITY, f"{where}quantity")
    if quantity is None:
        raise OrderUnreadable(f"{where}quantity is missing, so the order can't be priced")
    return quantity


def entries(holder: Mapping[str, Any], name: str, where: str = "") -> list[tuple[str, Mapping[str, Any]]]:
    """Return the path and object of each entry of a list that holds money; an absent list is empty.

    Raise `OrderUnreadable` for anything that isn't a list of objects: an amount would be lost without a word.
    """
    return [(f"{where}{name}[{index}]", part) for index, part in enumerate(_objects(holder, name, where))]


def _objects(holder: Mapping[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    value: object = holder.get(name)
    if value is None or value == "":
        return []
    if not is_list(value):
        raise OrderUnreadable(f"{where}{name} isn't a list")
    for index, part in enumerate(value):
        if not isinstance(part, dict):
            raise OrderUnreadable(f"{where}{name}[{index}] isn't an object")
    return value


def _number(value: object, shape: re.Pattern[str], path: str) -> Decimal | None:
    if value is None or value == "":
        return None
    written = _written(value)
    if written is None or not shape.fullmatch(written):
        raise OrderUnreadable(f"{path} isn't a number that an order can have")
    return Decimal(written)


def _written(value: object) -> str | None:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        return None
    return str(value) if isinstance(value, int) else text(value)
