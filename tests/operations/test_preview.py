"""`adapter preview`: what an order file becomes, for people and for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapter.operations.preview import preview
from adapter.purchase.event import encode
from adapter.shops.shop import Shop
from adapter.wiring import load_configuration

MAPPINGS = Path(__file__).parents[2] / "mappings"
SAMPLES = Path(__file__).parents[1] / "samples"
ENVIRONMENT = {
    "MAPPINGS_DIR": str(MAPPINGS),
    "SHOPIFY_WEBHOOK_SECRET": "shpss_4f8a1c0e9b7d2a63",
    "SHOPIFY_SITE_URL": "https://shop.example",
    "WOOCOMMERCE_WEBHOOK_SECRET": "Wq7Zx4Jk9Vb2Nm5Rt8Yp",
    "WOOCOMMERCE_SITE_URL": "https://woo.test",
}

ORDER: dict[str, Any] = {
    "id": 1001,
    "status": "processing",
    "currency": "EUR",
    "prices_include_tax": True,
    "date_created_gmt": "2026-11-20T09:00:00",
    "date_modified_gmt": "2026-11-20T09:00:05",
    "date_paid_gmt": "2026-11-20T09:00:04",
    "discount_total": "0.00",
    "discount_tax": "0.00",
    "shipping_total": "5.00",
    "shipping_tax": "0.95",
    "cart_tax": "7.60",
    "total": "55.55",
    "total_tax": "8.55",
    "order_key": "wc_order_Invented1001",
    "customer_id": 17,
    "billing": {"postcode": "20095", "country": "DE"},
    "customer_ip_address": "203.0.113.7",
    "customer_user_agent": "Invented/1.0",
    "created_via": "checkout",
    "payment_method": "card",
    "meta_data": [{"key": "_axon_client_id", "value": "browser-1"}],
    "line_items": [
        {
            "id": 1,
            "name": "Lamp &#8211; Moon",
            "product_id": 41,
            "variation_id": 42,
            "quantity": 2,
            "subtotal": "40.00",
            "subtotal_tax": "7.60",
            "total": "40.00",
            "total_tax": "7.60",
            "price": 20,
        }
    ],
    "shipping_lines": [{"total": "5.00", "total_tax": "0.95"}],
    "fee_lines": [{"name": "Gift wrap", "total": "2.00", "total_tax": "0.00"}],
    "tax_lines": [],
    "refunds": [],
}

FERN = """\
platform       = "shopify"
webhook_secret = "shpss_4f8a1c0e9b7d2a63"
site_url       = "https://fern.example"
[orders]
skip    = ["pos", "zero_value", "no_browser"]
skip_if = "contains(order.tags || '', 'wholesale')"
[clicks]
aleid = ["attribute(order, '_axon_event_id')", "stored.aleid"]
[event]
dedupe_id        = "join('-', [shop.name, to_string(order.id)])"
event_time       = "purchase.placed_at"
event_source_url = "purchase.source_url"
[event.user_data]
esi               = "'web'"
client_ip_address = "order.client_details.browser_ip || order.browser_ip"
client_user_agent = "'Invented/1.0'"
email             = "purchase.email"
aleid             = "clicks.aleid"
[event.data]
transaction_id = "order.id"
currency       = "purchase.currency"
value          = "purchase.items_value"
tax            = "purchase.tax"
shipping       = "purchase.shipping"
[event.data.items]
item_id          = "item.id"
price            = "item.price"
quantity         = "item.quantity"
item_category_id = "lookup('categories', line.vendor)"
[tables.categories]
"Fernleaf Goods" = 604
"""

# By hand from the body: the chair costs 2 × 59.50 − 11.90 = 107.10 with 14.40 + 2.70 tax, so 90.00 without, which is
# 10.00 less than the 100.00 before; the book 21.40 − 1.40; shipping 5.95 − 0.95. The pixel says 107.10 + 21.40.
SHOPIFY = """\
shop fern (mappings/fern.toml), order 5839102746002

money (EUR)
    2 × 45.00  Ulmen chair                     =         90.00
      after a discount of 10.00
    1 × 20.00  Garden book                     =         20.00
  items                                                                 110.00
  tax                                                                    19.45
  shipping                                                                5.00
  remainder that can't be named                                           0.00
  total, as the order says it                                           134.45

WARNING  prices include tax, and a browser pixel usually reports it with them:
         128.50 EUR; the value here is 18.50 less, because Axon wants it without
         tax

rules (mappings/fern.toml)
  no           consent     not required; the order says nothing about it
  no           cancelled   financial_status is paid
  no           test        test is false
  no           pos         source_name is web
  no           draft       source_name is web, app_id is 580111
  no           renewal     source_name is web
  no           imported    source_name is web, processed_at is
                           2026-11-03T14:05:32+01:00, created_at is
                           2026-11-03T14:05:32+01:00
  no           b2b         company is empty
  no           sub_order   nothing in such an order tells
  no           unpaid      payment is paid (financial_status is paid); counted
                           once paid
  no           too_old     3 of 7 days old now; it counts how old it is when it
                           comes in
  no           skip_if     contains(order.tags || '', 'wholesale'): tags is
                           empty
  no           zero_value  value 110.00
  no           no_browser  IP address 203.0.113.2, user agent Invented/1.0

what is sent

event
  dedupe_id         fern-5839102746002
                    = join('-', [shop.name, to_string(order.id)])
                                                           mappings/fern.toml:10
                      shop.name: fern
                      order.id: 5839102746002
  event_time        1793711132000
                    = purchase.placed_at                   mappings/fern.toml:11
                      from order.processed_at: 2026-11-03T14:05:32+01:00
  event_source_url  https://fern.example/
                    = purchase.source_url                  mappings/fern.toml:12
                      the shop's address with the page of the purchase, without
                        any key

event.user_data
  esi               web
                    = 'web'                                mappings/fern.toml:14
  client_ip_address 203.0.113.2
                    = order.client_details.browser_ip || order.browser_ip
                                                           mappings/fern.toml:15
                      order.client_details.browser_ip: 203.0.113.2
                      order.browser_ip: 203.0.113.2
  client_user_agent Invented/1.0
                    = 'Invented/1.0'                       mappings/fern.toml:16
  email             4c98bd036d44246f364e95f9762499bffbbcbcae178… (64 characters)
                    = purchase.email                       mappings/fern.toml:17
                      from order.email: jonas@example.com
  aleid             –
                    = clicks.aleid                         mappings/fern.toml:18
                      tried attribute(order, '_axon_event_id'), stored.aleid

event.data
  transaction_id    5839102746002
                    = order.id                             mappings/fern.toml:20
  currency          EUR
                    = purchase.currency                    mappings/fern.toml:21
                      from order.presentment_currency: EUR
  value             110.00
                    = purchase.items_value                 mappings/fern.toml:22
                      the sum of the lines after discounts, without tax and
                        shipping
  tax               19.45
                    = purchase.tax                         mappings/fern.toml:23
                      from order.total_tax_set.presentment_money.amount: 19.45
  shipping          5.00
                    = purchase.shipping                    mappings/fern.toml:24
                      what was paid for shipping after discounts, without its
                        tax

event.data.items[0]
  item_id           7701200340001
                    = item.id                              mappings/fern.toml:26
                      from line.product_id: 7701200340001
  price             45.00
                    = item.price                           mappings/fern.toml:27
                      the unit price after discounts and without tax
  quantity          2
                    = item.quantity                        mappings/fern.toml:28
                      from line.quantity: 2
  item_category_id  604
                    = lookup('categories', line.vendor)    mappings/fern.toml:29
                      line.vendor: Fernleaf Goods

event.data.items[1]
  item_id           7701200340002
                    = item.id                              mappings/fern.toml:26
                      from line.product_id: 7701200340002
  price             20.00
                    = item.price                           mappings/fern.toml:27
                      the unit price after discounts and without tax
  quantity          1
                    = item.quantity                        mappings/fern.toml:28
                      from line.quantity: 1
  item_category_id  604
                    = lookup('categories', line.vendor)    mappings/fern.toml:29
                      line.vendor: Fernleaf Goods

NOTE     the order carries no click identifier; what POST /clicks stored isn't
         looked at
"""

LAMP = """\
platform       = "woocommerce"
webhook_secret = "$LAMP_SECRET"
site_url       = "https://lamp.example"
[orders]
skip = ["cancelled"]
[clicks]
axwrt = "attribute(order, '_axon_client_id')"
[event]
dedupe_id        = "order.id"
event_time       = "purchase.placed_at"
event_source_url = "purchase.source_url"
[event.user_data]
esi               = "'web'"
client_ip_address = "purchase.ip"
client_user_agent = "order.user_agent"
axwrt             = "clicks.axwrt"
user_id           = "purchase.user_id"
zip               = "sum(order.billing)"
[event.data]
transaction_id = "order.id"
currency       = "purchase.currency"
value          = "purchase.total"
tax            = "purchase.tax"
shipping       = "purchase.shipping"
[event.data.items]
item_id  = "item.id"
price    = "item.price"
quantity = "item.quantity"
"""

# Items 40.00 and tax 8.55 and shipping 5.00 and gift wrap 2.00 are 55.55; the order says 55.50.
WOOCOMMERCE = """\
shop lamp (mappings/lamp.toml), order 1001
NOTE     the shop is off: it has no webhook secret: the variable LAMP_SECRET is
         not set
SKIPPED  unpaid: the order is unpaid; it is sent when it is paid

money (EUR)
    2 × 20.00  Lamp – Moon                     =         40.00
  items                                                                  40.00
  tax                                                                     8.55
  shipping                                                                5.00
  Gift wrap                                                               2.00
  remainder that can't be named                                          -0.05
  total, as the order says it                                            55.50

WARNING  the customer id was dropped: Axon asks for 6 characters
WARNING  the buyer's IP address is a private one: the shop's proxy set-up hides
         its buyers
WARNING  -0.05 EUR of the total can't be named: the platform's own numbers don't
         add up to it
WARNING  event.user_data.zip was left out: sum(order.billing): sum() wants
         array-number, and found an object; order.billing is an object
WARNING  were it not skipped: event.user_data.client_user_agent: is required and
         missing

rules (mappings/lamp.toml)
  no           consent     not required; the order says nothing about it
  no           cancelled   status is pending
  no           test        payment_method is card
  not in skip  pos         created_via is pos-rest-api
  no           draft       status is pending
  no           renewal     created_via is pos-rest-api
  no           imported    created_via is pos-rest-api, date_created_gmt is
                           2026-11-20T09:00:00
  no           b2b         b2bking_is_b2b_order is empty
  no           sub_order   created_via is pos-rest-api
  fired        unpaid      payment is unpaid (status is pending); counted once
                           paid
  open         too_old     9 of 7 days old now; it counts how old it is when it
                           comes in
  no           skip_if     the mapping has none
  no           zero_value  value 55.50
  not in skip  no_browser  IP address 10.0.0.7, user agent empty

what would be sent, if nothing above spoke against it

event
  dedupe_id         1001
                    = order.id                              mappings/lamp.toml:9
  event_time        1795165200000
                    = purchase.placed_at                   mappings/lamp.toml:10
                      from order.date_created_gmt: 2026-11-20T09:00:00
  event_source_url  https://lamp.example/checkout/order-received/1001/
                    = purchase.source_url                  mappings/lamp.toml:11
                      the shop's address with the page of the purchase, without
                        any key

event.user_data
  esi               web
                    = 'web'                                mappings/lamp.toml:13
  client_ip_address 10.0.0.7
                    = purchase.ip                          mappings/lamp.toml:14
                      from order.customer_ip_address: 10.0.0.7
  client_user_agent –
                    = order.user_agent                     mappings/lamp.toml:15
  axwrt             browser-1
                    = clicks.axwrt                         mappings/lamp.toml:16
                      found by attribute(order, '_axon_client_id')
  user_id           –
                    = purchase.user_id                     mappings/lamp.toml:17
                      dropped order.customer_id: 17
  zip               –
                    ! sum() wants array-number, and found an object
                    = sum(order.billing)                   mappings/lamp.toml:18
                      order.billing: {"postcode": "20095", "country": "DE"}

event.data
  transaction_id    1001
                    = order.id                             mappings/lamp.toml:20
  currency          EUR
                    = purchase.currency                    mappings/lamp.toml:21
                      from order.currency: EUR
  value             55.50
                    = purchase.total                       mappings/lamp.toml:22
                      from order.total: 55.50
  tax               8.55
                    = purchase.tax                         mappings/lamp.toml:23
                      from order.total_tax: 8.55
  shipping          5.00
                    = purchase.shipping                    mappings/lamp.toml:24
                      from order.shipping_total: 5.00

event.data.items[0]
  item_id           41
                    = item.id                              mappings/lamp.toml:26
                      from line.product_id: 41
  price             20.00
                    = item.price                           mappings/lamp.toml:27
                      the unit price after discounts and without tax
  quantity          2
                    = item.quantity                        mappings/lamp.toml:28
                      from line.quantity: 2
"""


@pytest.fixture
def own(tmp_path: Path) -> dict[str, Shop]:
    """Return two shops with mapping files of their own; one has no webhook secret and is off."""
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "fern.toml").write_text(FERN)
    (folder / "lamp.toml").write_text(LAMP)
    return dict(load_configuration({"MAPPINGS_DIR": str(folder)}).shops.by_name)


def shop(name: str, **changes: str) -> Shop:
    """Return a shipped shop."""
    found = load_configuration({**ENVIRONMENT, **changes}).shops.get(name)
    assert found is not None
    return found


def show(body: object, name: str = "woocommerce", **changes: str) -> Any:
    """Return the preview of one order."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return preview(raw, shop(name, **changes))


def test_the_whole_screen_of_a_sale(own: dict[str, Shop]) -> None:
    """The money adds up, every rule has its fact, every field its expression, place and source, in 80 columns."""
    body = (SAMPLES / "shopify" / "tax_included_eur.json").read_bytes()
    lines = list(preview(body, own["fern"], datetime(2026, 11, 7, tzinfo=UTC)).lines())
    assert SHOPIFY.splitlines() == lines
    assert 80 >= max(map(len, lines))


def test_the_whole_screen_of_a_skipped_order(own: dict[str, Shop]) -> None:
    """A skipped order of a shop that is off still shows the event that it would be, and what else is wrong with it."""
    order = ORDER | {"status": "pending", "date_paid_gmt": None, "total": "55.50", "created_via": "pos-rest-api"}
    order |= {"customer_ip_address": "10.0.0.7", "user_agent": None}
    found = preview(json.dumps(order).encode(), own["lamp"], datetime(2026, 11, 29, 12, tzinfo=UTC))
    lines = list(found.lines())
    assert WOOCOMMERCE.splitlines() == lines
    assert 80 >= max(map(len, lines))
    document = found.to_json()
    assert (None, "1001") == (document["event"], document["would_be"]["data"]["transaction_id"])
    assert {"rule": "unpaid", "finding": "fired"}.items() <= document["rules"][9].items()


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
def test_every_screen_fits(platform: str) -> None:
    """Every sample of ours is shown in 80 columns, and its columns of money add up."""
    for path in sorted((SAMPLES / platform).glob("*.json")):
        lines = list(show(path.read_bytes(), platform).lines())
        assert 80 >= max(map(len, lines)), path.name
        if not any(line.startswith("money") for line in lines):
            continue
        money = lines[lines.index(next(line for line in lines if line.startswith("money"))) + 1 :]
        money = money[: money.index("")]
        inner = sum(Decimal(line[-14:]) for line in money if line.startswith("    ") and line[47:48] in ("=", "≈"))
        outer = [Decimal(line.split()[-1]) for line in money if line[:3].strip()]
        assert inner == outer[0], path.name
        assert sum(outer[:-1]) == outer[-1], path.name


def test_the_whole_document() -> None:
    """Programs get the event, why there is none, the problems, the explanation, and the money in exact decimals."""
    found = show(ORDER).to_json()
    assert ["event", "skipped", "problems", "explanation", "clicks", "warnings", "money"] == list(found)[:7]
    assert ["order", "would_be", "rules"] == list(found)[7:]
    assert (None, [], "1001", None) == (found["skipped"], found["problems"], found["order"], found["would_be"])
    value = next(line for line in found["explanation"] if line["target"] == "event.data.tax")
    assert value.pop("file").startswith("mappings/woocommerce.toml:")
    assert {
        "target": "event.data.tax",
        "expression": "purchase.tax",
        "value": Decimal("8.55"),
        "read": [{"path": "purchase.tax", "value": Decimal("8.55"), "from": "order.total_tax"}],
        "failed": None,
    } == value
    assert dict.fromkeys(["axwrt", "client_id"], "attribute(order, '_axon_client_id')") == found["clicks"]
    assert "the customer id was dropped: Axon asks for 6 characters" == found["warnings"][0]
    assert {
        "currency": "EUR",
        "items": Decimal("40.00"),
        "tax": Decimal("8.55"),
        "shipping": Decimal("5.00"),
        "rest": {"Gift wrap": Decimal("2.00")},
        "total": Decimal("55.55"),
        "remainder": Decimal("0.00"),
        "lines": [
            {
                "title": "Lamp – Moon",
                "quantity": Decimal(2),
                "price": Decimal("20.00"),
                "total": Decimal("40.00"),
                "discount": Decimal("0.00"),
            }
        ],
    } == found["money"]
    assert found["event"] == json.loads(encode(found["event"]), parse_float=Decimal)


def test_a_price_that_does_not_divide() -> None:
    """A product that only rounds to the line's total isn't called equal to it."""
    line = ORDER["line_items"][0] | {"quantity": 3}
    lines = list(show(ORDER | {"line_items": [line]}).lines())
    assert "    3 × 13.333  Lamp – Moon                    ≈         40.00" in lines


def test_decimals_of_the_currency() -> None:
    """Every amount has the same decimals: none for yen, three for dinars, more where the order has more."""
    yen = list(show((SAMPLES / "shopify" / "jpy_tax_included.json").read_bytes(), "shopify").lines())
    amounts = [line.split()[-1] for line in yen[3 : yen.index("", 3)]]
    assert amounts
    assert not [amount for amount in amounts if "." in amount]
    dinars = list(show((SAMPLES / "shopify" / "kwd_three_decimals.json").read_bytes(), "shopify").lines())
    assert {3} == {len(line.split()[-1].partition(".")[2]) for line in dinars[3 : dinars.index("", 3)]}


def test_the_pixel_agrees_when_prices_exclude_tax() -> None:
    """No remark where prices exclude tax, where none is on the items, and where the mapping sends another value."""
    pixel = "prices include tax"
    assert [True] == [pixel in warning for warning in show(ORDER).warnings[1:]]
    assert not [warning for warning in show(ORDER | {"prices_include_tax": False}).warnings if pixel in warning]
    untaxed = ORDER["line_items"][0] | {"total_tax": "0.00"}
    assert not [warning for warning in show(ORDER | {"line_items": [untaxed]}).warnings if pixel in warning]


def test_another_value_needs_no_remark(own: dict[str, Shop]) -> None:
    """A mapping that sends the total differs from the pixel in its own way."""
    found = preview(json.dumps(ORDER).encode(), own["lamp"])
    assert not [warning for warning in found.warnings if "prices include tax" in warning]


def test_a_mapping_that_fails(tmp_path: Path) -> None:
    """A required field that fails is a problem with target, expression and kinds; the fields are explained anyway."""
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "fern.toml").write_text(FERN.replace('"purchase.tax"', '"sum(order.tags)"'))
    found = load_configuration({"MAPPINGS_DIR": str(folder)}).shops.get("fern")
    assert found is not None
    shown = preview((SAMPLES / "shopify" / "tax_included_eur.json").read_bytes(), found)
    problem = "event.data.tax = sum(order.tags): sum() wants array-number, and found text; order.tags is text"
    assert (problem,) == shown.problems
    assert shown.to_json()["event"] is None
    assert "                    ! sum() wants array-number, and found text" in list(shown.lines())


def test_an_order_with_problems() -> None:
    """What the API would refuse is a problem with its path, and there is no event to send."""
    broken = show(ORDER, WOOCOMMERCE_WEBHOOK_SECRET="", WOOCOMMERCE_SITE_URL="")
    assert broken.problems
    assert broken.problems[0].startswith("event.event_source_url: ")
    assert None is broken.to_json()["event"]
    assert list(broken.lines())[1].startswith("NOTE     the shop is off: it has no webhook secret: ")
    assert any(line.startswith("PROBLEM  event.event_source_url: ") for line in broken.lines())


@pytest.mark.parametrize(
    ("body", "name", "line"),
    [
        (b'{"id":5}', "woocommerce", "SKIPPED  ignored: the order was moved to the trash or deleted"),
        (b"<order/>", "shopify", "PROBLEM  unreadable: the body isn't a JSON object that can be read"),
        (b"[{}, {}]", "shopify", "PROBLEM  unreadable: this is a list of 2 orders, and one is wanted"),
        ({**ORDER, "currency": None}, "woocommerce", "PROBLEM  unreadable: "),
        (
            (SAMPLES / "shopify" / "test_notification.json").read_bytes(),
            "shopify",
            "SKIPPED  test notification: the platform's sample order is recorded and",
        ),
    ],
)
def test_no_order(body: object, name: str, line: str) -> None:
    """What is no order, or none that can be read, says what it is; there is no money and no event."""
    found = show(body, name)
    lines = list(found.lines())
    assert lines[1].startswith(line)
    assert all(further.startswith(" " * 9) for further in lines[2:])
    expected = {"event": None, "explanation": [], "clicks": {}, "warnings": [], "money": None, "rules": []}
    assert expected == {key: found.to_json()[key] for key in expected}


def test_long_values_are_cut() -> None:
    """What is cut off says how long it was."""
    agent = "Invented/1.0 " * 20
    lines = list(show(ORDER | {"customer_user_agent": agent}).lines())
    shown = next(line for line in lines if line.startswith("  client_user_agent"))
    assert (80, True) == (len(shown), shown.endswith("… (259 characters)"))
