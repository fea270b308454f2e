"""The names `purchase.…` and `item.…`: exact amounts and cleaned fields."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from adapter.purchase import names
from adapter.purchase.order import Buyer, LineItem, NamedAmount, Order, PhoneNumber

SITE = "https://shop.example"


def test_purchase_names(make_order: Callable[..., Order]) -> None:
    """Every name has the value that its description says; the hashes were computed with sha256sum."""
    found = names.names_for(make_order(), SITE + "/", {}).purchase
    assert names.PURCHASE.keys() == found.keys()
    assert "5001" == found["id"]
    assert "https://shop.example/" == found["source_url"]
    assert Decimal("18.00") == found["items_value"]
    assert Decimal("21.42") == found["items_value_with_tax"]
    assert "ada@example.com" == found["email_plain"]
    assert "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72" == found["email"]
    assert "493415550142" == found["phone_plain"]
    assert (None, "42") == (found["user_id"], found["customer_id"])
    assert ("04109", "DE", "203.0.113.9") == (found["zip"], found["country_code"], found["ip"])
    assert Decimal(0) == found["rest"]


def test_item_names(make_order: Callable[..., Order], make_line: Callable[..., LineItem]) -> None:
    """A line's prices are per unit; its discount is what was taken off one unit."""
    line = make_line(variant_id="78", total=Decimal("143.97"), total_before_discount=Decimal("159.96"))
    item = names.names_for(make_order(lines=(replace(line, quantity=Decimal(4)),)), SITE, {"78": 187}).items[0]
    assert names.ITEM.keys() == item.keys()
    assert ("77", "78", "Mug", 187) == (item["id"], item["variant_id"], item["title"], item["category_id"])
    assert Decimal("35.993") == item["price"]
    assert Decimal("39.99") == item["price_before_discount"]
    assert Decimal("3.998") == item["discount"]
    assert Decimal("36.848") == item["price_with_tax"]


def test_a_dearer_line_has_no_discount(make_order: Callable[..., Order], make_line: Callable[..., LineItem]) -> None:
    """A line that costs more than before is no negative discount."""
    order = make_order(lines=(make_line(total=Decimal("22.00")),))
    assert Decimal(0) == names.names_for(order, SITE, {}).items[0]["discount"]


def test_gone_products(make_order: Callable[..., Order], make_line: Callable[..., LineItem]) -> None:
    """Without a product id an item is named by its SKU, then its title; a table may know the SKU."""
    lines = (
        make_line(product_id=None),
        make_line(product_id=None, sku=None),
        make_line(product_id=None, sku=None, title=""),
    )
    items = names.names_for(make_order(lines=lines), SITE, {"MUG": 5}).items
    assert ["MUG", "Mug", None] == [item["id"] for item in items]
    assert [5, None, None] == [item["category_id"] for item in items]


def test_warnings(make_order: Callable[..., Order]) -> None:
    """What is dropped or odd is said in sentences."""
    buyer = Buyer(emails=("none",), phones=(PhoneNumber(text="1", country_code="US"),), user_id="42", ip="10.0.0.1")
    order = make_order(buyer=buyer, total=Decimal("30.00"), warnings=("read so",))
    assert (
        "read so",
        "the e-mail address was dropped: it can't be one",
        "the phone number was dropped: it can't be one in the country of its address",
        "the customer id was dropped: Axon asks for 6 characters",
        "the buyer's IP address is a private one: the shop's proxy set-up hides its buyers",
        "2.63 EUR of the total can't be named: the platform's own numbers don't add up to it",
    ) == names.names_for(order, SITE, {}).warnings


def test_an_address_that_is_none(make_order: Callable[..., Order]) -> None:
    """What a proxy wrote in place of an IP address is dropped, and said so: the order will be skipped for it."""
    found = names.names_for(make_order(buyer=Buyer(ip="unknown")), SITE, {})
    assert found.purchase["ip"] is None
    assert ("the buyer's IP address was dropped: it is none",) == found.warnings


def test_nothing_known_is_no_warning(make_order: Callable[..., Order]) -> None:
    """An order without a buyer's data isn't warned about: rules decide on it."""
    order = make_order(buyer=Buyer(user_agent=" "))
    found = names.names_for(order, SITE, {})
    assert () == found.warnings
    assert found.purchase["user_agent"] is None


def test_rest_and_remainder(make_order: Callable[..., Order]) -> None:
    """The named rest closes the sum."""
    order = make_order(rest=(NamedAmount(name="tip", amount=Decimal("2.00")),), total=Decimal("29.37"))
    assert Decimal(0) == order.remainder
    assert Decimal("2.00") == names.names_for(order, SITE, {}).purchase["rest"]


def test_no_discount_is_no_discount(make_order: Callable[..., Order], make_line: Callable[..., LineItem]) -> None:
    """Prices that carry more digits for the order's sum make no discount of a ten-thousandth out of none."""
    full = make_line(total=Decimal("20.00"), total_before_discount=Decimal("20.00"), quantity=Decimal(3))
    items = names.names_for(make_order(lines=(full,) * 6), SITE, {}).items
    assert {Decimal("6.6667")} == {item["price"] for item in items}  # 6.667 × 18 = 120.006 → 120.01, one cent more.
    assert {Decimal(0)} == {item["discount"] for item in items}


def test_categories(make_order: Callable[..., Order], make_line: Callable[..., LineItem]) -> None:
    """The closest key wins: the variant's, the product's, the SKU's."""
    order = make_order(lines=(make_line(variant_id="78"),))
    tables = ({"78": 1, "77": 2, "MUG": 3}, {"77": 2, "MUG": 3}, {"MUG": 3}, {"other": 4})
    assert [1, 2, 3, None] == [names.names_for(order, SITE, table).items[0]["category_id"] for table in tables]


@pytest.mark.parametrize(
    ("site", "page", "url"),
    [
        ("https://shop.example", "/", "https://shop.example/"),
        ("https://shop.example/", "/checkout/order-received/", "https://shop.example/checkout/order-received/"),
        ("https://shop.example/de/", "/a", "https://shop.example/de/a"),
    ],
)
def test_source_urls(make_order: Callable[..., Order], site: str, page: str, url: str) -> None:
    """The shop's address and the page make one complete address, with one slash between them."""
    assert url == names.names_for(make_order(page=page), site, {}).purchase["source_url"]


def test_warnings_name_no_value(make_order: Callable[..., Order]) -> None:
    """What was dropped isn't shown: warnings are stored and printed."""
    buyer = Buyer(
        emails=("ada at example",),
        phones=(PhoneNumber(text="555-0142", country_code="US"),),
        user_id="ada1",
        ip="10.9.8.7",
    )
    warnings = "\n".join(names.names_for(make_order(buyer=buyer), SITE, {}).warnings)
    assert 4 == len(warnings.splitlines())
    assert not [value for value in ("ada", "555", "10.9") if value in warnings]


def test_a_quantity_with_a_fraction(make_order: Callable[..., Order], make_line: Callable[..., LineItem]) -> None:
    """Half a kilogram stays half: the price is per whole unit, with and without tax."""
    line = make_line(quantity=Decimal("0.5"), total=Decimal("9.99"), tax=Decimal("1.90"))
    item = names.names_for(make_order(lines=(line,)), SITE, {}).items[0]
    assert (Decimal("0.5"), Decimal("19.98"), Decimal("23.78")) == (
        item["quantity"],
        item["price"],
        item["price_with_tax"],
    )
