"""A Shopify sale as the JSON of its webhook.

Money is text in major units; a field without `_set` is always shop money.
Source: shopify.dev/docs/api/admin-rest/latest/resources/order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from laws.shopify_sales import Age, Books, Kind, Priced, ShippingForm, ShopifySale
from laws.truth import written

Json = dict[str, Any]

AT = "2026-11-02T14:05:31+01:00"


def shopify_body(sale: ShopifySale) -> Json:
    """Return the body that tells the sale."""
    return _Writer(sale).body()


class _Writer:
    def __init__(self, sale: ShopifySale) -> None:
        self.sale = sale

    def body(self) -> Json:
        sale = self.sale
        return {
            "id": 5839102746090,
            "token": "b1946ac92492d2347c6235b4d2611184",
            "currency": sale.shop.currency,
            **({"presentment_currency": sale.shown.currency} if sale.age is Age.TODAY else {}),
            "taxes_included": sale.taxes_included,
            "financial_status": "paid",
            "payment_gateway_names": ["shopify_payments", *(["gift_card"] if sale.paid_by_gift_card else [])],
            "source_name": "web",
            "created_at": AT,
            "processed_at": AT,
            "updated_at": AT,
            "cancelled_at": None,
            "refunds": [],
            **self._buyer(),
            **self._totals(),
            **self._extras(),
            "line_items": [*self._lines(), *self._tips()],
            "shipping_lines": list(self._shippings()),
        }

    @staticmethod
    def _buyer() -> Json:
        return {
            "email": "ada@example.com",
            "phone": None,
            "customer": None,
            "browser_ip": "203.0.113.7",
            "client_details": {"browser_ip": "203.0.113.7", "user_agent": "Mozilla/5.0"},
        }

    def _money(self, name: str, shown: int, shop: int) -> Json:
        """Tell an amount of both sides, in the manner of the body's age."""
        flat = {name: self._written(self.sale.shop, shop)}
        return {**flat, **self._set(name, shown, shop)} if self.sale.age is Age.TODAY else flat

    def _set(self, name: str, shown: int, shop: int) -> Json:
        return {
            f"{name}_set": {
                f"{side}_money": {"amount": self._written(books, units), "currency_code": books.currency}
                for side, books, units in (("shop", self.sale.shop, shop), ("presentment", self.sale.shown, shown))
            }
        }

    @staticmethod
    def _written(books: Books, units: int) -> str:
        return written(units, books.decimals)

    def _totals(self) -> Json:
        shown, shop, sale = self.sale.shown, self.sale.shop, self.sale
        figures = {
            "total_price": (sale.total(shown), sale.total(shop)),
            "total_tax": (sale.tax(shown), sale.tax(shop)),
            "total_line_items_price": (_listed(shown), _listed(shop)),
            "subtotal_price": (_subtotal(shown), _subtotal(shop)),
            "total_discounts": (_discounts(shown), _discounts(shop)),
        }
        current = {f"current_{name}": figures[name] for name in ("total_price", "total_tax", "subtotal_price")}
        written_out = [self._money(name, *amounts) for name, amounts in {**figures, **current}.items()]
        return {key: value for part in written_out for key, value in part.items()}

    def _extras(self) -> Json:
        shown, shop, sale = self.sale.shown, self.sale.shop, self.sale
        found = {
            "total_tip_received": written(sum(shop.tips), shop.decimals),  # It has no `_set`.
            "duties_included": sale.duties_included,
            "original_total_duties_set": None,
            "current_total_duties_set": None,
        }
        for name, here, there in (
            ("total_duties", shown.duties, shop.duties),
            ("total_additional_fees", shown.fees, shop.fees),
        ):
            if here or there:
                found |= self._set(f"original_{name}", here, there) | self._set(f"current_{name}", here, there)
        return found | self._set("total_cash_rounding_payment_adjustment", shown.rounding, shop.rounding)

    def _lines(self) -> Iterator[Json]:
        for place, (shown, shop) in enumerate(zip(self.sale.shown.lines, self.sale.shop.lines, strict=True)):
            yield {
                "id": 14000 + place,
                "product_id": 7400 + place,
                "variant_id": 7500 + place,
                "sku": f"SKU-{place}",
                "title": f"Thing {place}",
                "vendor": "Acme",
                "quantity": shop.quantity,
                "current_quantity": shop.quantity,
                "gift_card": shop.kind is Kind.GIFT_CARD,
                **self._money("price", shown.unit, shop.unit),
                **self._line_discounts(shown, shop),
                "tax_lines": self._parts("price", shown.taxes, shop.taxes),
            }

    def _line_discounts(self, shown: Priced, shop: Priced) -> Json:
        repeated = self._money("total_discount", sum(shown.allocations), sum(shop.allocations))
        if self.sale.age is Age.BEFORE_ALLOCATIONS:
            return repeated
        # Almost always 0.00; where it isn't, it repeats what the allocations hold.
        told = repeated if shop.quantity % 2 else self._money("total_discount", 0, 0)
        return {**told, "discount_allocations": self._parts("amount", shown.allocations, shop.allocations)}

    def _parts(self, name: str, shown: tuple[int, ...], shop: tuple[int, ...]) -> list[Json]:
        return [self._money(name, here, there) for here, there in zip(shown, shop, strict=True)]

    def _tips(self) -> Iterator[Json]:
        if not self.sale.tip_as_line:
            return
        for shown, shop in zip(self.sale.shown.tips, self.sale.shop.tips, strict=True):
            yield {
                "product_id": None,
                "variant_id": None,
                "title": "Tip",
                "quantity": 1,
                "tip_payment_gateway": "shopify_payments",
                **self._money("price", shown, shop),
                "discount_allocations": [],
                "tax_lines": [],
            }

    def _shippings(self) -> Iterator[Json]:
        for shown, shop in zip(self.sale.shown.shippings, self.sale.shop.shippings, strict=True):
            yield {
                "title": "Standard",
                "is_removed": shop.kind is Kind.REMOVED,
                **self._money("price", shown.unit, shop.unit),
                **self._shipping_discounts(shown, shop),
                "tax_lines": self._parts("price", shown.taxes, shop.taxes),
            }

    def _shipping_discounts(self, shown: Priced, shop: Priced) -> Json:
        allocations = {"discount_allocations": self._parts("amount", shown.allocations, shop.allocations)}
        discounted = self._money("discounted_price", shown.paid, shop.paid)
        if self.sale.age is Age.BEFORE_ALLOCATIONS:
            return discounted
        match self.sale.shipping_form:
            case ShippingForm.BOTH:
                return allocations | discounted
            case ShippingForm.PRICE_ALONE:
                return {"discount_allocations": []} | discounted
            case ShippingForm.ALLOCATIONS_ALONE:
                return allocations | self._money("discounted_price", shown.listed, shop.listed)
            case ShippingForm.NO_PRICE:
                return allocations


def _listed(books: Books) -> int:
    return sum(line.listed for line in books.lines)


def _subtotal(books: Books) -> int:
    return sum(line.paid for line in books.lines)


def _discounts(books: Books) -> int:
    return sum(sum(one.allocations) for one in (*books.lines, *books.shippings))


def refunded(_sale: ShopifySale, body: Json) -> Json:
    """Return the body after everything but a little was sent back: what is current falls, the sale stays."""
    fallen = {key: _nothing(value) for key, value in body.items() if key.startswith("current_")}
    lines = [{**line, "current_quantity": 0} for line in body["line_items"]]
    refund = {
        "id": 930_001,
        # These two are JSON numbers, in a body whose money is text everywhere else.
        "refund_line_items": [{"quantity": 1, "subtotal": 35.99, "total_tax": 0.1}],
        "transactions": [{"kind": "refund", "amount": "36.09"}],
    }
    later = {"financial_status": "partially_refunded", "updated_at": "2026-11-03T09:00:00+01:00"}
    return {**body, **fallen, **later, "line_items": lines, "refunds": [refund]}


def _nothing(value: Any) -> Any:  # JSON of any kind.
    if isinstance(value, dict):
        return {key: "0.00" if key == "amount" else _nothing(inner) for key, inner in value.items()}
    return "0.00" if isinstance(value, str) else value


def spoiled(body: Json, side: str) -> Json:
    """Return the body with every amount of one side changed; those without `_set` are the shop's."""
    return {key: _spoiled(key, value, body, side) for key, value in body.items()}


def _spoiled(key: str, value: Any, holder: Json, side: str) -> Any:  # JSON of any kind.
    if isinstance(value, list):
        return [spoiled(entry, side) if isinstance(entry, dict) else entry for entry in value]
    if isinstance(value, dict) and key == f"{side}_money":
        return {**value, "amount": "7919.83"}
    if isinstance(value, dict):
        return spoiled(value, side)
    is_shop_money = f"{key}_set" in holder or key == "total_tip_received"
    return "7919.83" if side == "shop" and is_shop_money else value
