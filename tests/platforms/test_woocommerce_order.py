"""The whole WooCommerce order: exact money, worked out by hand, and whatever may be odd around it."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.errors import OrderUnreadable
from adapter.platforms.document import parse_document
from adapter.platforms.webhook import Ignored, OrderNotice, Unreadable
from adapter.platforms.woocommerce import WOOCOMMERCE
from adapter.purchase.order import Buyer, NamedAmount, Order, Payment, PhoneNumber, Standing, Trait

SAMPLES = Path(__file__).parents[1] / "samples"
INVENTED = sorted((SAMPLES / "woocommerce").glob("*.json"))
LIVE = {path.parent.name[:2]: path for path in (SAMPLES / "woocommerce-live").glob("*/body.bin")}
LIVE_ORDERS = sorted(set(LIVE) - {"01", "02", "33", "47", "49", "53"})


def document_of(name: str) -> dict[str, Any]:
    """Return a sample, by the number of a capture or the name of an invented order."""
    path = LIVE.get(name) or SAMPLES / "woocommerce" / f"{name}.json"
    return dict(parse_document(path.read_bytes()))


def read(name: str, **fields: object) -> Order:
    """Read a sample in which these fields were replaced."""
    return WOOCOMMERCE.read_order(document_of(name) | fields, "presentment")


def read_line(**fields: object) -> Order:
    """Read the tax-excluded sample with these fields of its only line replaced."""
    line = document_of("tax-excluded")["line_items"][0]
    return read("tax-excluded", line_items=[line | fields])


def money(order: Order) -> dict[str, Any]:
    """Return an order's amounts as written: lines as (quantity, before discount, total, tax)."""
    return {
        "currency": order.currency,
        "lines": [
            (str(line.quantity), str(line.total_before_discount), str(line.total), str(line.tax))
            for line in order.lines
        ],
        "tax": str(order.tax),
        "shipping": str(order.shipping),
        "rest": [(part.name, str(part.amount)) for part in order.rest],
        "total": str(order.total),
    }


def amounts(
    currency: str,
    lines: list[tuple[str, str, str, str]],
    sums: tuple[str, str, str],
    rest: tuple[tuple[str, str], ...] = (),
) -> dict[str, Any]:
    """Return expected money; `sums` are tax, shipping and total."""
    tax, shipping, total = sums
    return {
        "currency": currency,
        "lines": lines,
        "tax": tax,
        "shipping": shipping,
        "rest": list(rest),
        "total": total,
    }


MONEY = [
    # Captured on a running shop, read off the bodies by eye.
    (
        "03",
        amounts(
            "EUR",
            [("2", "33.60", "33.60", "6.38"), ("1", "21.01", "21.01", "3.99")],
            ("11.30", "4.90", "70.81"),
        ),
        "54.61",
    ),
    ("04", amounts("EUR", [("3", "50.39", "41.15", "7.82")], ("8.75", "4.90", "54.80")), "41.15"),
    (
        "06",
        amounts(
            "EUR",
            [("1", "23.27", "23.27", "0.00"), ("1", "16.80", "16.80", "2.60")],
            ("3.65", "4.90", "49.12"),
            (("Gift wrap", "3.00"), ("Loyalty discount", "-2.50")),
        ),
        "40.07",
    ),
    ("07", amounts("EUR", [("1", "16.80", "0.00", "0.00")], ("0.93", "4.90", "5.83")), "0.00"),
    ("09", amounts("EUR", [("1", "0.00", "0.00", "0.00")], ("0.00", "0.00", "0.00")), "0.00"),
    (
        "11",
        amounts(
            "EUR",
            [("2", "33.60", "30.24", "5.75"), ("1", "20.00", "17.99", "1.26")],
            ("8.26", "4.12", "62.88"),
            (("Express", "3.50"), ("Goodwill", "-1.23")),
        ),
        "48.23",
    ),
    ("13", amounts("JPY", [("3", "2999", "2999", "300")], ("300", "0", "3299")), "2999"),
    ("15", amounts("KWD", [("1", "12.35", "12.35", "2.35")], ("2.35", "0.00", "14.70")), "12.35"),
    (
        "16",
        amounts(
            "EUR",
            [
                ("3", "10.00", "10.00", "1.90"),
                ("7", "33.33", "29.99", "5.70"),
                ("11", "184.78", "184.78", "35.11"),
            ],
            ("42.71", "0.00", "267.48"),
        ),
        "224.77",
    ),
    ("21", amounts("EUR", [("1", "12.00", "12.00", "2.28")], ("2.28", "0.00", "14.28")), "12.00"),
    (
        "28",
        amounts(
            "EUR",
            [("3", "59.97", "56.22", "11.24"), ("1", "24.90", "23.65", "0.00")],
            ("12.22", "4.90", "96.99"),
        ),
        "79.87",
    ),
    ("31", amounts("JPY", [("13", "109", "109", "11")], ("11", "5", "125")), "109"),
    # Invented, computed by hand.
    (
        "tax-included",  # 19 %: 47.60 gross is 40.00 + 7.60; 5.95 shipping is 5.00 + 0.95.
        amounts("EUR", [("2", "40.00", "40.00", "7.60")], ("8.55", "5.00", "53.55")),
        "40.00",
    ),
    ("tax-excluded", amounts("USD", [("2", "50.00", "50.00", "4.00")], ("4.48", "6.00", "60.48")), "50.00"),
    (
        "coupons-percent-and-fixed",  # 10 % of 100 and 20, then 6.00 split 4.00 and 2.00; 20 % tax.
        amounts(
            "GBP",
            [("4", "100.00", "86.00", "17.20"), ("1", "20.00", "16.00", "3.20")],
            ("20.40", "0.00", "122.40"),
        ),
        "102.00",
    ),
    (
        "compound-tax-and-fees",
        amounts(
            "CAD",
            [("1", "100.00", "100.00", "15.47")],
            ("17.64", "8.00", "131.64"),
            (("Gift wrap & card", "10.00"), ("Loyalty discount", "-4.00")),
        ),
        "100.00",
    ),
    (
        "full-coupon-shipping-remains",
        amounts("EUR", [("1", "30.00", "0.00", "0.00")], ("0.80", "4.20", "5.00")),
        "0.00",
    ),
    ("jpy", amounts("JPY", [("3", "1000", "1000", "100")], ("150", "500", "1650")), "1000"),
    (
        "kwd-in-two-decimal-shop",
        amounts("KWD", [("1", "12.35", "12.35", "0.00")], ("0.00", "1.50", "13.85")),
        "12.35",
    ),
    (
        "fractional-quantity",
        amounts("EUR", [("2.5", "24.95", "24.95", "1.75")], ("1.75", "0.00", "26.70")),
        "24.95",
    ),
    (
        "custom-deleted-and-free-lines",
        amounts(
            "EUR",
            [
                ("1", "12.00", "12.00", "0.00"),
                ("1", "8.00", "8.00", "0.00"),
                ("1", "0.00", "0.00", "0.00"),
            ],
            ("0.00", "0.00", "20.00"),
        ),
        "20.00",
    ),
    ("multi-currency", amounts("USD", [("1", "21.60", "21.60", "0.00")], ("0.00", "5.40", "27.00")), "21.60"),
    (
        "bundle",  # The container carries the price; its two parts are in it.
        amounts("EUR", [("1", "50.00", "50.00", "9.50")], ("9.50", "0.00", "59.50")),
        "50.00",
    ),
    (
        "gift-card",  # 30 + 5 - 12.50 - 7.50 = 15.
        amounts("USD", [("1", "30.00", "30.00", "0.00")], ("0.00", "5.00", "15.00"), (("gift card", "-20.0"),)),
        "30.00",
    ),
]


@pytest.mark.parametrize(("name", "expected", "items_value"), MONEY, ids=[case[0] for case in MONEY])
def test_money_is_exact(name: str, expected: dict[str, Any], items_value: str) -> None:
    """Every amount is the one in the body, and the items add up to the value worked out by hand."""
    order = read(name)
    assert expected == money(order)
    assert Decimal(items_value) == order.items_value


@pytest.mark.parametrize("name", [*LIVE_ORDERS, *(path.stem for path in INVENTED)])
def test_nothing_of_the_total_remains(name: str) -> None:
    """Items, tax, shipping and the named rest are the total, for every captured and invented order."""
    order = read(name)
    assert order.remainder == 0
    assert bool(order.warnings) is (name == "discount-as-a-line")


@pytest.mark.parametrize("name", [*LIVE_ORDERS, *(path.stem for path in INVENTED)])
def test_glance_and_whole_order_agree(name: str) -> None:
    """The quick look and the whole reading see the same id, token and standing."""
    order = read(name)
    path = LIVE.get(name) or SAMPLES / "woocommerce" / f"{name}.json"
    notice = WOOCOMMERCE.glance(path.read_bytes())
    assert isinstance(notice, OrderNotice)
    assert (order.id, order.token, order.standing) == (notice.order_id, notice.token, notice.standing)


def test_whole_order_is_read() -> None:
    """Everything but the money of one order, field by field."""
    order = read("tax-included")
    line = order.lines[0]
    assert (order.platform, order.id, order.token) == ("woocommerce", "1001", "wc_order_Invented1001")
    assert datetime(2026, 11, 20, 9, 0, 0, tzinfo=UTC) == order.placed_at
    paid_at = datetime(2026, 11, 20, 9, 0, 4, tzinfo=UTC)
    assert Standing(payment=Payment.PAID, placed_at=order.placed_at, paid_at=paid_at) == order.standing
    assert frozenset() == order.traits
    assert (
        line.product_id,
        line.variant_id,
        line.sku,
        line.title,
    ) == ("41", "42", "LAMP-M", 'Lamp \N{EN DASH} "Moon"')
    assert document_of("tax-included")["line_items"][0] == line.source
    assert document_of("tax-included") == order.source
    assert order.click_keys == (("order_key", "wc_order_Invented1001"),)
    expected = Buyer(
        emails=("ada@example.com",),
        phones=(PhoneNumber(text="+49 40 0000001", country_code="DE"),),
        user_id="17",
        zip="20095",
        country_code="DE",
        ip="203.0.113.7",
        user_agent="Mozilla/5.0 (X11; Linux x86_64) InventedShopper/1.0",
    )
    assert expected == order.buyer


def test_page_holds_the_id_and_no_key() -> None:
    """The page of the purchase is the order-received page; the order key opens it, so it isn't part of it."""
    assert read("tax-included").page == "/checkout/order-received/1001/"


def test_both_sides_are_one() -> None:
    """WooCommerce knows one currency per order, so the side changes nothing."""
    document = document_of("multi-currency")
    assert WOOCOMMERCE.read_order(document, "shop") == WOOCOMMERCE.read_order(document, "presentment")


def test_draft_is_read_with_its_trait() -> None:
    """A checkout draft can be read and says that it is one."""
    assert frozenset({Trait.DRAFT}) == read("43").traits


def test_float_price_is_never_used() -> None:
    """A line's `price` is float noise: nothing depends on it."""
    assert money(read_line(price="odd")) == money(read("tax-excluded"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"product_id": 0, "variation_id": 0, "sku": None}, (None, None, None)),
        ({"product_id": None, "variation_id": None, "sku": ""}, (None, None, None)),
        ({"product_id": "43", "variation_id": "5", "sku": 77}, ("43", "5", "77")),
        ({"product_id": [], "variation_id": {}, "sku": []}, (None, None, None)),
    ],
)
def test_line_without_product_has_no_ids(fields: dict[str, object], expected: tuple[str | None, ...]) -> None:
    """Custom lines and deleted products have ids of 0 and no SKU; none of them is invented."""
    line = read_line(**fields).lines[0]
    assert expected == (line.product_id, line.variant_id, line.sku)


@pytest.mark.parametrize("value", [None, "", "odd", []])
def test_what_a_line_can_do_without(value: object) -> None:
    """Without a readable subtotal there was no discount; without a readable tax of its own it is 0."""
    line = read_line(subtotal=value, total_tax=value, name=value if value != "odd" else None).lines[0]
    assert (Decimal("50.00"), Decimal(0), "") == (line.total_before_discount, line.tax, line.title)


@pytest.mark.parametrize("value", [50, Decimal("50.00"), "50", " 50.00 "])
def test_amount_may_be_a_number(value: object) -> None:
    """A plugin that turns amounts into numbers changes nothing."""
    assert Decimal(50) == read_line(total=value).items_value


def test_lines_without_quantity_and_money_are_dropped() -> None:
    """A line of quantity 0 that costs nothing says nothing."""
    order = read_line(quantity=0, total="0.00")
    assert (order.lines, order.rest, order.warnings) == ((), (), ())


@pytest.mark.parametrize("quantity", [0, "0", -1])
def test_money_without_quantity_is_kept_and_named(quantity: object) -> None:
    """A line with money and no quantity is no item; its money stays in the sum, and the order says so."""
    order = read_line(quantity=quantity)
    assert order.lines == ()
    assert (NamedAmount(name="line without quantity", amount=Decimal("50.00")),) == order.rest
    assert order.remainder == 0
    assert order.warnings[0].startswith("line_items[0] has money but no quantity")


@pytest.mark.parametrize(("name", "expected"), [("Voucher", "Voucher"), ("", "negative line")])
def test_negative_line_is_a_named_discount(name: str, expected: str) -> None:
    """A product line with a negative total is a discount in disguise; items never cost less than nothing."""
    order = read_line(total="-5.00", name=name)
    assert order.lines == ()
    assert (NamedAmount(name=expected, amount=Decimal("-5.00")),) == order.rest
    assert order.warnings[0].startswith("line_items[0] has a negative total")


def test_lines_after_a_hole_are_read() -> None:
    """A list that PHP wrote as an object is still the list of lines."""
    line = document_of("tax-excluded")["line_items"][0]
    assert Decimal("50.00") == read("tax-excluded", line_items={"1": line}).items_value


def test_gift_cards_are_named_only_when_they_close_the_total() -> None:
    """Another plugin's `gift_cards` (bought, not redeemed) leaves the order as it is."""
    cards = [{"amount": "20"}, {"amount": None}, None]
    assert read("tax-excluded", gift_cards=cards).rest == ()
    assert Decimal("-1.00") == read("gift-card", total="14.00").remainder + Decimal(20)
    assert read("tax-excluded", gift_cards="").rest == ()


def test_fee_without_name_or_total_is_a_fee_of_nothing() -> None:
    """A fee's name and amount may be blank; odd entries are passed over."""
    order = read("tax-excluded", fee_lines=[{"name": "", "total": None}, None, "x"])
    assert (NamedAmount(name="fee", amount=Decimal(0)),) == order.rest


@pytest.mark.parametrize("blank", [None, "", " "])
def test_blank_tax_and_shipping_are_zero(blank: object) -> None:
    """Tax and shipping may be blank; what is missing then shows as a remainder."""
    order = read("tax-excluded", total_tax=blank, shipping_total=blank)
    assert (Decimal(0), Decimal(0), Decimal("10.48")) == (order.tax, order.shipping, order.remainder)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"id": 0}, "id is missing"),
        ({"id": None}, "id is missing"),
        ({"total": ""}, "total is missing or blank"),
        ({"total": None}, "total is missing or blank"),
        ({"total": "1,50"}, "total isn't a decimal amount"),
        ({"total_tax": "x"}, "total_tax isn't a decimal amount"),
        ({"shipping_total": []}, "shipping_total isn't a decimal amount"),
        ({"fee_lines": [{"total": "x"}]}, r"fee_lines\[0\]\.total isn't a decimal amount"),
        ({"currency": None}, "currency is missing or blank"),
        ({"currency": " "}, "currency is missing or blank"),
        ({"currency": 978}, "currency is missing or blank"),
        ({"line_items": None}, "line_items is missing or isn't a list"),
        ({"line_items": {"a": {}}}, "line_items is missing or isn't a list"),
        ({"line_items": [None]}, r"line_items\[0\] isn't an object"),
        ({"line_items": [{"quantity": 1}]}, r"line_items\[0\]\.total is missing or blank"),
        ({"line_items": [{"total": "x", "quantity": 1}]}, r"line_items\[0\]\.total isn't a decimal amount"),
        ({"line_items": [{"total": "1"}]}, r"line_items\[0\]\.quantity is missing or blank"),
        ({"line_items": [{"total": "1", "quantity": []}]}, r"line_items\[0\]\.quantity isn't"),
        ({"date_created_gmt": "", "date_paid_gmt": None}, "neither date_created_gmt nor date_paid_gmt"),
    ],
)
def test_order_that_cant_be_priced_names_the_field(fields: dict[str, object], words: str) -> None:
    """Without an amount, a currency, a line list or a time there is no event, and the error says which."""
    with pytest.raises(OrderUnreadable, match=f"^{words}"):
        read("tax-excluded", **fields)


def test_payment_gives_the_time_when_creation_does_not() -> None:
    """An order without a readable date_created_gmt was placed when it was paid."""
    assert datetime(2026, 11, 20, 9, 0, 4, tzinfo=UTC) == read("tax-excluded", date_created_gmt=None).placed_at


def test_currency_is_upper_case() -> None:
    """Currency codes are compared in upper case everywhere."""
    assert read("tax-excluded", currency=" usd ").currency == "USD"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:cb00:7107", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("unknown", "unknown"),
        ("", None),
        (None, None),
        ([], None),
    ],
)
def test_ip_is_unwrapped(address: object, expected: str | None) -> None:
    """IPv4 in IPv6 clothing is IPv4; an empty address is none; an odd one is passed on for the contract."""
    assert expected == read("tax-excluded", customer_ip_address=address).buyer.ip


@pytest.mark.parametrize("empty", [None, [], "", {}, 0])
def test_buyer_may_be_unknown(empty: object) -> None:
    """Orders made by hand have no addresses, no browser and no customer."""
    nobody = dict.fromkeys(("billing", "shipping", "customer_id", "customer_ip_address", "customer_user_agent"), empty)
    buyer = read("tax-excluded", **(nobody | {"customer_ip_address": ""})).buyer
    agent = "0" if empty == 0 else None
    assert Buyer(user_agent=agent) == buyer


def test_second_phone_keeps_its_own_country() -> None:
    """A phone of the shipping address is a second candidate, with the country of that address."""
    billing = {"phone": "030 000000", "country": "", "email": " bo@example.com "}
    shipping = {"phone": "(555) 010-0001", "country": "US"}
    buyer = read("tax-excluded", billing=billing, shipping=shipping).buyer
    phones = (
        PhoneNumber(text="030 000000", country_code=None),
        PhoneNumber(text="(555) 010-0001", country_code="US"),
    )
    assert phones == buyer.phones
    assert (buyer.emails, buyer.country_code, buyer.zip) == (("bo@example.com",), "US", None)


def test_what_the_buyer_typed_is_decoded() -> None:
    """WooCommerce stores & and ' as entities, and pasted blanks and signs come as such, too."""
    billing = {
        "email": " o&#039;neill&amp;sons@example.com ",
        "phone": "&#43;49&nbsp;40 0000001",
        "country": "DE",
        "postcode": "2&nbsp;0095",
    }
    buyer = read("tax-excluded", billing=billing, shipping={}).buyer
    assert ("o'neill&sons@example.com",) == buyer.emails
    assert (PhoneNumber(text="+49\xa040 0000001", country_code="DE"),) == buyer.phones
    assert "2\xa00095" == buyer.zip


def test_order_without_key_has_no_click_key() -> None:
    """Without an order key nothing can have been stored under it."""
    order = read("tax-excluded", order_key="")
    assert (order.token, order.click_keys) == (None, ())


ODD = [None, "", " ", 0, -1, 10**39, Decimal("3.5"), Decimal("1E-40"), True, "abc", "²", "9" * 60, [], {}, [None]]
BODIES = [document_of(name) for name in (*LIVE_ORDERS, *(path.stem for path in INVENTED))]


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of everything inside."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    if isinstance(value, list):
        inner = list(enumerate(value))
    return [place for key, part in inner for place in ((*path, key), *places(part, (*path, key)))]


@st.composite
def mutated_orders(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a sample in which one to five keys or entries are dropped or replaced by something odd."""
    document: dict[str, Any] = json.loads(json.dumps(draw(st.sampled_from(BODIES)), default=str))
    for _ in range(draw(st.integers(1, 5))):
        *way, last = draw(st.sampled_from(places(document) or [("id",)]))
        owner: Any = document
        for step in way:
            owner = owner[step]
        if draw(st.booleans()):
            owner.pop(last, None) if isinstance(owner, dict) else owner.pop(int(last))
        else:
            owner[last] = deepcopy(draw(st.sampled_from(ODD)))  # A later mutation may change it.
    return document


@given(mutated_orders())
def test_mutated_order_raises_nothing_unexpected(document: dict[str, Any]) -> None:
    """Whatever is missing or odd, an order is read with finite amounts or is unreadable, and glanced at."""
    body = msgspec.json.Encoder(decimal_format="number").encode(document)
    assert isinstance(WOOCOMMERCE.glance(body), OrderNotice | Ignored | Unreadable)
    try:
        order = WOOCOMMERCE.read_order(document, "shop")
    except OrderUnreadable:
        return
    assert order.remainder.is_finite()
    assert order.placed_at.tzinfo is UTC
    assert all(line.quantity > 0 and line.total >= 0 for line in order.lines)
