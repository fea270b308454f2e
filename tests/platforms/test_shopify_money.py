"""Amounts worked out by hand for invented orders; every one of them has to close its order's total."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapter.errors import OrderUnreadable
from adapter.platforms.document import parse_document
from adapter.platforms.shopify import SHOPIFY
from adapter.platforms.webhook import Side
from adapter.purchase.order import LineItem, Order

SAMPLES = Path(__file__).parents[1] / "samples" / "shopify"

Body = dict[str, Any]


def sample(name: str) -> Body:
    """Return a fresh copy of a sample order."""
    body: Body = json.loads((SAMPLES / f"{name}.json").read_text())
    return body


def read(body: Body, side: Side = "presentment") -> Order:
    """Read an order from its JSON, as delivery does."""
    return SHOPIFY.read_order(parse_document(json.dumps(body).encode()), side)


def rest(order: Order) -> dict[str, Decimal]:
    """Return the named rest as a dict."""
    return {part.name: part.amount for part in order.rest}


def money(amount: str, currency: str = "USD") -> Body:
    """Return a money bag with the same amount on both sides."""
    side = {"amount": amount, "currency_code": currency}
    return {"shop_money": side, "presentment_money": side}


def one_line(*, total: str = "100.00", **fields: object) -> Body:
    """Return the smallest order that can be priced: one line in EUR, without any _set."""
    line = {"price": "100.00", "quantity": 1, "discount_allocations": [], **fields}
    return {
        "id": 5839102746090,
        "currency": "EUR",
        "total_price": total,
        "total_tax": "0.00",
        "taxes_included": False,
        "shipping_lines": [],
        "created_at": "2026-11-02T14:05:31+01:00",
        "line_items": [line],
    }


def the_line(**fields: object) -> LineItem:
    """Read the only line of such an order."""
    return read(one_line(**fields)).lines[0]


# name: currency, (total, total before discount, tax) of each line, tax, shipping, rest, total; all worked out by hand.
PRICED: dict[str, tuple[str, list[tuple[str, str, str]], str, str, dict[str, str], str]] = {
    # 3 x 24.00 - 5.00 - 6.00 and 48.00 - 4.00; state 6 % and county 1 % on top.
    "web_discounts_usd": (
        "USD",
        [("61.00", "72.00", "4.27"), ("44.00", "48.00", "3.08")],
        "7.35",
        "7.50",
        {},
        "119.85",
    ),
    # 119.00 - 11.90 = 107.10, of which 14.40 + 2.70 are tax; before the discount 119.00 / 1.19 = 100.00.
    "tax_included_eur": (
        "EUR",
        [("90.00", "100.00", "17.10"), ("20.00", "20.00", "1.40")],
        "19.45",
        "5.00",
        {},
        "134.45",
    ),
    # 2 x 3300 with 600 tax inside, shipping 550 with 50 tax inside.
    "jpy_tax_included": ("JPY", [("6000", "6000", "600")], "650", "500", {}, "7150"),
    # 3 x 4.750 - 1.425
    "kwd_three_decimals": ("KWD", [("12.825", "14.250", "0")], "0", "1.500", {}, "14.325"),
    # 2 x 19.80 - 3.96
    "shop_aud_shown_usd": ("USD", [("35.64", "39.60", "3.56")], "3.56", "6.60", {}, "45.80"),
    "free_shipping_code": ("USD", [("24.00", "24.00", "0")], "0", "0", {}, "24.00"),
    # The tip is a line too, but no item; the gift card is one.
    "tip_duties_gift_card": (
        "USD",
        [("80.00", "80.00", "6.40"), ("50.00", "50.00", "0")],
        "6.40",
        "15.00",
        {"tip": "8.00", "duties": "12.34", "additional_fees": "2.00"},
        "173.74",
    ),
    # 4 x 39.99 - 15.99: a quarter of it is 35.9925.
    "draft_custom_line_cad": ("CAD", [("143.97", "159.96", "18.72")], "18.72", "0", {}, "162.69"),
    # The rounding of -0.02 belongs to the cash that was taken, not to the total.
    "pos_cash_rounding_cad": ("CAD", [("10.02", "10.02", "0")], "0", "0", {}, "10.02"),
    # current_quantity and the current_ totals are 0 after the refund; the sale stays.
    "refunded_cancelled": ("USD", [("96.00", "96.00", "5.76")], "5.76", "7.50", {}, "109.26"),
    "free_order": ("USD", [("0.00", "24.00", "0")], "0", "0", {}, "0.00"),
    # The parts of the bundle carry the money; a line of quantity 0 is none.
    "bundle_groups": ("USD", [("18.00", "18.00", "0"), ("12.00", "12.00", "0")], "0", "5.00", {}, "35.00"),
    "subscription_renewal": ("USD", [("12.00", "12.00", "0")], "0", "0", {}, "12.00"),
}


@pytest.mark.parametrize("name", PRICED)
def test_the_amounts_of_an_order_are_those_worked_out_by_hand(name: str) -> None:
    """Items, tax, shipping and named rest are exact, and add up to the total."""
    currency, lines, tax, shipping, named, total = PRICED[name]
    order = read(sample(name))
    assert currency == order.currency
    assert lines_of_decimals(lines) == [(line.total, line.total_before_discount, line.tax) for line in order.lines]
    assert (Decimal(tax), Decimal(shipping), Decimal(total)) == (order.tax, order.shipping, order.total)
    assert {key: Decimal(amount) for key, amount in named.items()} == rest(order)
    assert order.remainder == 0


def lines_of_decimals(lines: list[tuple[str, str, str]]) -> list[tuple[Decimal, ...]]:
    """Turn the written amounts into decimals."""
    return [tuple(map(Decimal, line)) for line in lines]


def test_the_shop_side_is_shop_money_throughout() -> None:
    """The same order in the shop's own currency has other amounts, and closes too."""
    order = read(sample("shop_aud_shown_usd"), "shop")
    assert ("AUD", Decimal("54.00"), Decimal("5.40"), Decimal("10.00"), Decimal("69.40")) == (
        order.currency,
        order.items_value,
        order.tax,
        order.shipping,
        order.total,
    )
    assert order.remainder == 0


def test_the_canned_sample_shows_its_remainder() -> None:
    """Its discount of 20.00 stands nowhere but in total_discounts, so 20.00 can't be named; nothing raises."""
    assert Decimal("-20.00") == read(sample("test_notification")).remainder


@pytest.mark.parametrize("quantity", [4, "4", "4.0", 4.0])
def test_an_indivisible_discount_stays_in_the_line_total(quantity: object) -> None:
    """4 x 39.99 - 15.99 is 143.97, though no price in cents gives it."""
    line = the_line(price="39.99", quantity=quantity, discount_allocations=[{"amount": "15.99"}])
    assert Decimal("143.97") == line.total
    assert Decimal(4) == line.quantity


@pytest.mark.parametrize(
    ("fields", "total"),
    [
        ({"total_discount": "5.00", "discount_allocations": [{"amount": "5.00"}]}, "95.00"),
        ({"total_discount": "5.00", "discount_allocations": []}, "100.00"),
        ({"total_discount": "5.00", "discount_allocations": None}, "100.00"),
        ({"discount_allocations": [{"amount": "3.34"}, {"amount": 2}, {"amount": 1.5}]}, "93.16"),
    ],
)
def test_allocations_are_the_only_discount(fields: Body, total: str) -> None:
    """total_discount repeats the allocations or is 0.00, so it's never taken besides them."""
    assert Decimal(total) == the_line(**fields).total


def test_a_line_older_than_allocations_has_its_total_discount() -> None:
    """Where the key discount_allocations is missing altogether, total_discount counts."""
    body = one_line(total_discount="5.00")
    del body["line_items"][0]["discount_allocations"]
    assert Decimal("95.00") == read(body).items_value


@pytest.mark.parametrize(
    ("price", "allocated", "tax", "before"),
    [
        # 9.99 x (7.99 - 1.28) / 7.99 = 8.3896…
        ("9.99", "2.00", "1.28", "8.39"),
        # 10.00 x (6.00 - 0.99) / 6.00 = 8.35 exactly
        ("10.00", "4.00", "0.99", "8.35"),
        # Undiscounted: the tax itself, no proportion.
        ("9.99", "0.00", "1.60", "8.39"),
        # Free: the proportion is lost, the listed price stays.
        ("9.99", "9.99", "0.00", "9.99"),
    ],
)
def test_the_price_before_discount_loses_its_share_of_tax(price: str, allocated: str, tax: str, before: str) -> None:
    """With taxes inside, the tax before discounts is in proportion, rounded half up to the currency."""
    body = one_line(price=price, discount_allocations=[{"amount": allocated}], tax_lines=[{"price": tax}])
    line = read(body | {"taxes_included": True}).lines[0]
    assert Decimal(before) == line.total_before_discount
    assert Decimal(price) - Decimal(allocated) - Decimal(tax) == line.total


def test_half_a_metre_is_rounded_to_the_currency() -> None:
    """1.5 x 9.99 = 14.985 is charged as 14.99; the quantity stays 1.5."""
    line = the_line(price="9.99", quantity="1.5")
    assert (Decimal("14.99"), Decimal("1.5")) == (line.total, line.quantity)


@pytest.mark.parametrize("quantity", [0, "0", "0.0"])
def test_a_line_of_which_nothing_was_bought_is_dropped(quantity: object) -> None:
    """An item of quantity 0 would be refused, and carries no money."""
    assert read(one_line(quantity=quantity, total="0.00")).lines == ()


def test_a_line_names_what_was_bought() -> None:
    """Ids are text with every digit, the title falls back to the name, and the line's own JSON is kept."""
    body = one_line(
        product_id=9007199254740993, variant_id="41200330040001", sku=" F-1 ", title="", name="Fern pot - Green"
    )
    line = read(body).lines[0]
    assert (
        line.product_id,
        line.variant_id,
        line.sku,
        line.title,
    ) == ("9007199254740993", "41200330040001", "F-1", "Fern pot - Green")
    assert line.source["name"] == "Fern pot - Green"


@pytest.mark.parametrize("nothing", [None, "", [], {}, True, 1.5])
def test_a_custom_line_has_no_ids(nothing: object) -> None:
    """A line without a product, or with odd ids, has None and never the text "null"."""
    line = the_line(product_id=nothing, variant_id=nothing, sku=nothing, title=nothing)
    assert (line.product_id, line.variant_id, line.sku, line.title) == (None, None, None, "")


# Sides and currencies


def test_before_there_were_two_currencies_the_flat_fields_count() -> None:
    """Without presentment_currency and without any _set, both sides are the shop's currency."""
    assert ("EUR", Decimal("100.00")) == (read(one_line()).currency, read(one_line(), "shop").total)


def test_flat_fields_count_when_both_currencies_are_the_same() -> None:
    """A presentment_currency that equals currency makes the flat amounts amounts of both sides."""
    assert Decimal("100.00") == read(one_line() | {"presentment_currency": "EUR"}).items_value


def test_flat_fields_are_never_taken_for_another_currency() -> None:
    """A line without price_set can't be priced in the buyer's currency, and the message names the field."""
    body = sample("shop_aud_shown_usd")
    del body["line_items"][0]["price_set"]
    assert Decimal("54.00") == read(body, "shop").items_value
    with pytest.raises(OrderUnreadable, match=r"^line_items\[0\]\.price_set has no presentment_money.*USD"):
        read(body)


def test_an_amount_of_nothing_has_no_currency() -> None:
    """A flat 0.00 is 0 on both sides."""
    body = sample("shop_aud_shown_usd")
    del body["total_tax_set"]
    body["total_tax"] = "0.00"
    assert Decimal(0) == read(body).tax


@pytest.mark.parametrize("key", ["currency_code", "currency"])
def test_money_in_a_third_currency_is_refused(key: str) -> None:
    """A money bag that contradicts the order's currency is no amount of this order."""
    body = sample("web_discounts_usd")
    body["line_items"][1]["price_set"]["presentment_money"] = {"amount": "48.00", key: "CAD"}
    with pytest.raises(
        OrderUnreadable, match=r"^line_items\[1\]\.price_set\.presentment_money is in another currency"
    ):
        read(body)


@pytest.mark.parametrize(
    "empty", [None, "", {}, [], {"presentment_money": None}, {"presentment_money": {"amount": ""}}]
)
def test_an_empty_set_is_a_missing_set(empty: object) -> None:
    """Nothing in the twin means the flat field, where that is of the same currency."""
    body = sample("web_discounts_usd")
    body["total_price_set"] = empty
    assert Decimal("119.85") == read(body).total


@pytest.mark.parametrize(("side", "expected"), [("presentment", "USD"), ("shop", "AUD")])
def test_the_total_names_a_missing_currency(side: Side, expected: str) -> None:
    """Without currency and presentment_currency the money bag of the total says both."""
    body = sample("shop_aud_shown_usd")
    del body["currency"], body["presentment_currency"]
    assert expected == read(body, side).currency


def test_the_total_shows_that_flat_fields_are_of_another_currency() -> None:
    """Only presentment_currency is missing, and the total is in two currencies: flat amounts are the shop's alone."""
    body = sample("shop_aud_shown_usd")
    del body["presentment_currency"], body["line_items"][0]["price_set"]
    with pytest.raises(OrderUnreadable, match=r"line_items\[0\]\.price_set"):
        read(body)


@pytest.mark.parametrize("currency", [None, "", 978, ["EUR"]])
def test_a_currency_is_never_guessed(currency: object) -> None:
    """An order that doesn't say its currency can't be priced."""
    with pytest.raises(OrderUnreadable, match=r"^currency is missing"):
        read(one_line() | {"currency": currency})


@pytest.mark.parametrize("currency", ["eur", "EURO", "€", "EU", "\u0395UR"])
def test_a_currency_has_three_letters(currency: str) -> None:
    """What isn't a code of three capital letters isn't one, look-alikes included."""
    with pytest.raises(OrderUnreadable, match="three-letter code"):
        read(one_line() | {"currency": currency})


# Numbers


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("100.00", "100.00"),
        (" 100.0 ", "100"),
        (100, "100"),
        (100.25, "100.25"),
        ("16.486", "16.486"),
        ("-3.00", "-3"),
    ],
)
def test_amounts_are_texts_or_numbers(written: object, read_as: str) -> None:
    """Texts in major units and JSON numbers are exact; nothing is divided by 100."""
    assert Decimal(read_as) == the_line(price=written).total


@pytest.mark.parametrize(
    "written",
    [
        "1_000.00",
        "1,000.00",
        "1e2",
        "NaN",
        "Infinity",
        "\u0663.\u0660\u0660",
        "$5",
        "5.",
        ".5",
        "0x1F",
        "9" * 16,
        10**16,
        True,
        [],
        {},
    ],
    ids=str,
)
def test_what_looks_like_a_number_but_is_none_is_refused(written: object) -> None:
    """Decimal would take some of these; an order never has them."""
    with pytest.raises(OrderUnreadable, match=r"^line_items\[0\]\.price isn't a number"):
        read(one_line(price=written))


@pytest.mark.parametrize("quantity", [-1, "-1", "two", "1e3", 10**9, True, []])
def test_a_quantity_is_a_plain_number(quantity: object) -> None:
    """A quantity that can't be bought makes the line unreadable."""
    with pytest.raises(OrderUnreadable, match=r"^line_items\[0\]\.quantity isn't a number"):
        read(one_line(quantity=quantity))


def without(*path: str | int) -> Callable[[], Body]:
    """Return a maker of the discounted sample without the value at this path."""

    def body() -> Body:
        whole = sample("web_discounts_usd")
        inner: Any = whole
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        inner.pop(f"{path[-1]}_set", None)
        return whole

    return body


def with_entry(path: tuple[str | int, ...], entry: object) -> Callable[[], Body]:
    """Return a maker of the discounted sample with another value at this path."""

    def body() -> Body:
        whole = sample("web_discounts_usd")
        inner: Any = whole
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = entry
        return whole

    return body


UNPRICED = {
    "no total": (without("total_price"), "total_price is missing"),
    "no lines": (without("line_items"), "line_items is missing"),
    "lines as text": (with_entry(("line_items",), "none"), "line_items is missing"),
    "a line that is null": (with_entry(("line_items", 1), None), r"line_items\[1\] isn't an object"),
    "no price": (without("line_items", 1, "price"), r"line_items\[1\]\.price is missing"),
    "no quantity": (without("line_items", 1, "quantity"), r"line_items\[1\]\.quantity is missing"),
    "no amount of a discount": (
        without("line_items", 0, "discount_allocations", 1, "amount"),
        r"line_items\[0\]\.discount_allocations\[1\]\.amount is missing",
    ),
    "discounts as text": (
        with_entry(("line_items", 0, "discount_allocations"), "5.00"),
        r"line_items\[0\]\.discount_allocations isn't a list",
    ),
    "a tax that is text": (
        with_entry(("line_items", 0, "tax_lines", 0), "3.66"),
        r"line_items\[0\]\.tax_lines\[0\] isn't an object",
    ),
    "no price of shipping": (without("shipping_lines", 0, "price"), r"shipping_lines\[0\]\.price is missing"),
    "an amount that is text": (
        with_entry(("total_price_set", "presentment_money", "amount"), "much"),
        r"total_price_set\.presentment_money\.amount isn't a number",
    ),
}


@pytest.mark.parametrize(("body", "said"), UNPRICED.values(), ids=UNPRICED)
def test_an_order_that_cannot_be_priced_names_the_field(body: Callable[[], Body], said: str) -> None:
    """The message begins with the path of what is missing or odd."""
    with pytest.raises(OrderUnreadable, match=f"^{said}"):
        read(body())


# Shipping


def shipped(total: str, *lines: Body, **fields: object) -> Order:
    """Read an order of one item for 100.00 with these shipping lines."""
    return read(one_line(total=total) | {"shipping_lines": list(lines)} | fields)


@pytest.mark.parametrize(
    ("line", "total", "shipping"),
    [
        ({"price": "10.00", "discounted_price": "0.00", "discount_allocations": []}, "100.00", "0.00"),
        ({"price": "10.00", "discounted_price": "0.00", "discount_allocations": []}, "110.00", "10.00"),
        (
            {"price": "10.00", "discounted_price": "10.00", "discount_allocations": [{"amount": "4.00"}]},
            "106.00",
            "6.00",
        ),
        (
            {"price": "10.00", "discounted_price": "10.00", "discount_allocations": [{"amount": "4.00"}]},
            "110.00",
            "10.00",
        ),
        (
            {"price": "10.00", "discounted_price": "5.00", "discount_allocations": [{"amount": "4.00"}]},
            "999.00",
            "6.00",
        ),
        ({"price": "10.00"}, "110.00", "10.00"),
        ({"price": "10.00", "discounted_price": "?"}, "110.00", "10.00"),
        ({"price": "10.00", "is_removed": True}, "100.00", "0"),
        ({"price": "10.00", "is_removed": None}, "110.00", "10.00"),
    ],
)
def test_shipping_is_the_reading_that_closes_the_total(line: Body, total: str, shipping: str) -> None:
    """After allocations or the discounted price, whichever adds up; when neither does, after allocations."""
    assert Decimal(shipping) == shipped(total, line).shipping


def test_several_shipping_lines_add_up() -> None:
    """Two parcels are one shipping amount."""
    assert Decimal("12.50") == shipped("112.50", {"price": "10.00"}, {"price": "2.50"}).shipping


def test_shipping_loses_its_tax_only_when_taxes_are_inside() -> None:
    """Its tax is in the order's tax either way."""
    line = {"price": "11.90", "tax_lines": [{"price": "1.90"}]}
    inside = shipped("111.90", line, taxes_included=True, total_tax="1.90")
    on_top = shipped("113.80", line, total_tax="1.90")
    assert (Decimal("10.00"), Decimal("11.90")) == (inside.shipping, on_top.shipping)
    assert (Decimal(0), Decimal(0)) == (inside.remainder, on_top.remainder)


def test_free_shipping_is_never_negative() -> None:
    """A tax that was left on a free parcel shows as remainder, not as money given back."""
    line = {"price": "11.90", "discount_allocations": [{"amount": "11.90"}], "tax_lines": [{"price": "1.90"}]}
    order = shipped("100.00", line, taxes_included=True, total_tax="1.90")
    assert (Decimal(0), Decimal("-1.90")) == (order.shipping, order.remainder)


@pytest.mark.parametrize("nothing", [None, ""])
def test_without_shipping_lines_the_total_of_shipping_counts(nothing: object) -> None:
    """A body that was cut down still says what shipping cost, with a warning."""
    body = one_line(total="109.00") | {"shipping_lines": nothing, "total_shipping_price_set": money("9.00", "EUR")}
    order = read(body)
    assert Decimal("9.00") == order.shipping
    assert any(warning.startswith("shipping_lines is missing") for warning in order.warnings)


# Tax and the named rest


def test_a_missing_tax_is_the_sum_of_the_lines_taxes() -> None:
    """Without total_tax the taxes of lines and shipping are added, with a warning."""
    body = one_line(total="116.90", tax_lines=[{"price": "5.00"}])
    body["shipping_lines"] = [{"price": "10.00", "tax_lines": [{"price": "1.90"}]}]
    del body["total_tax"]
    order = read(body)
    assert (Decimal("6.90"), Decimal(0)) == (order.tax, order.remainder)
    assert any(warning.startswith("total_tax is missing") for warning in order.warnings)


def test_a_missing_tax_mode_is_said() -> None:
    """Without taxes_included prices are read as prices without tax, and the order says so."""
    body = one_line(total="119.00") | {"total_tax": "19.00"}
    del body["taxes_included"]
    assert read(body).warnings == ("taxes_included is missing: prices are read as prices without tax",)


@pytest.mark.parametrize(
    ("fields", "total", "expected"),
    [
        ({"original_total_duties_set": "5.00"}, "105.00", {"duties": "5.00"}),
        ({"original_total_duties_set": "5.00"}, "100.00", {}),
        ({"original_total_duties_set": "5.00", "duties_included": True}, "100.00", {}),
        ({"original_total_duties_set": "5.00", "duties_included": True}, "105.00", {"duties": "5.00"}),
        ({"original_total_duties_set": "5.00"}, "150.00", {"duties": "5.00"}),
        ({"original_total_duties_set": "5.00", "duties_included": True}, "150.00", {}),
        ({"original_total_duties_set": "5.00", "current_total_duties_set": "0.00"}, "105.00", {"duties": "5.00"}),
        ({"current_total_duties_set": "5.00"}, "105.00", {"duties": "5.00"}),
        ({"original_total_additional_fees_set": "2.00"}, "102.00", {"additional_fees": "2.00"}),
        ({"total_cash_rounding_payment_adjustment_set": "-0.02"}, "99.98", {"cash_rounding": "-0.02"}),
        ({"total_cash_rounding_payment_adjustment_set": "-0.02"}, "100.00", {}),
        ({"total_cash_rounding_payment_adjustment_set": "-0.02"}, "150.00", {}),
        (
            {"original_total_duties_set": "5.00", "original_total_additional_fees_set": "2.00"},
            "102.00",
            {"additional_fees": "2.00"},
        ),
    ],
)
def test_the_total_tells_what_is_inside_it(fields: dict[str, object], total: str, expected: dict[str, str]) -> None:
    """Duties, fees and rounding are named when the total needs them, and not when they're inside or outside of it."""
    bags = {key: money(value, "EUR") if isinstance(value, str) else value for key, value in fields.items()}
    assert {name: Decimal(amount) for name, amount in expected.items()} == rest(read(one_line(total=total) | bags))


TIP = {"price": "8.00", "quantity": 1, "title": "Tip", "tip_payment_gateway": "shopify_payments"}


@pytest.mark.parametrize(
    ("lines", "received", "tip"),
    [
        ([], "8.00", "8.00"),
        ([TIP], "8.00", "8.00"),
        ([TIP], "0.00", "8.00"),
        ([TIP], None, "8.00"),
        ([TIP | {"tip_payment_gateway": None, "tip_payment_method": "visa"}], None, "8.00"),
    ],
)
def test_a_tip_is_named_once_and_is_no_item(lines: list[Body], received: object, tip: str) -> None:
    """Shopify states a tip as a line and as a sum; one of them is enough, both are one tip."""
    body = one_line(total="108.00") | {"total_tip_received": received}
    body["line_items"] += lines
    order = read(body)
    assert ({"tip": Decimal(tip)}, Decimal("100.00"), Decimal(0)) == (rest(order), order.items_value, order.remainder)


def test_a_null_tip_key_makes_no_tip() -> None:
    """An API version that writes the keys on every line must not empty the order."""
    assert Decimal("100.00") == the_line(tip_payment_gateway=None, tip_payment_method=None).total


def test_the_tip_line_has_the_buyers_currency() -> None:
    """total_tip_received is shop money alone, so in another currency the tip line counts."""
    body = sample("shop_aud_shown_usd")
    tip = TIP | {"price": "3.00", "price_set": money("3.00") | {"presentment_money": {"amount": "1.98"}}}
    body["line_items"].append(tip)
    body["total_tip_received"] = "3.00"
    body["total_price_set"]["presentment_money"]["amount"] = "47.78"
    order = read(body)
    assert ({"tip": Decimal("1.98")}, Decimal(0)) == (rest(order), order.remainder)


def test_a_tip_in_the_wrong_currency_is_left_out_with_a_warning() -> None:
    """Without a tip line the tip can't be told in the buyer's currency; the order is priced all the same."""
    order = read(sample("shop_aud_shown_usd") | {"total_tip_received": "3.00"})
    assert (Decimal("35.64"), {}) == (order.items_value, rest(order))
    assert any("total_tip_received" in warning for warning in order.warnings)
