"""`adapter preview`: what an order file becomes, for people and for programs."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapter.operations.preview import preview
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

# The columns: words from the third, amounts up to the 78th; targets from the third, values from the 34th.
SHOWN = """\
shop woocommerce (mappings/woocommerce.toml)

money (EUR)
    2 × Lamp – Moon                                                      40.00
  items                                                                  40.00
  tax                                                                     8.55
  shipping                                                                5.00
  Gift wrap                                                               2.00
  total                                                                  55.55

WARNING  the customer id was dropped: Axon asks for 6 characters

fields (mappings/woocommerce.toml)
  dedupe_id                      1001
                                 = order.id
  event_time                     1795165200000
                                 = purchase.placed_at
  event_source_url               https://woo.test/checkout/order-received/1001/
                                 = purchase.source_url
  user_data.esi                  web
                                 = 'web'
  user_data.client_ip_address    203.0.113.7
                                 = purchase.ip
  user_data.client_user_agent    Invented/1.0
                                 = purchase.user_agent
  user_data.email                –
                                 = purchase.email
  user_data.phone                –
                                 = purchase.phone
  user_data.user_id              –
                                 = purchase.user_id
  user_data.zip                  20095
                                 = purchase.zip
  user_data.country_code         DE
                                 = purchase.country_code
  user_data.aleid                –
                                 = clicks.aleid
  user_data.alart                –
                                 = clicks.alart
  user_data.axwrt                browser-1
                                 = clicks.axwrt
  user_data.client_id            browser-1
                                 = clicks.client_id
  user_data.sid                  –
                                 = clicks.sid
  data.transaction_id            1001
                                 = order.id
  data.currency                  EUR
                                 = purchase.currency
  data.value                     40.00
                                 = purchase.items_value
  data.tax                       8.55
                                 = purchase.tax
  data.shipping                  5.00
                                 = purchase.shipping
  data.user_id                   –
                                 = purchase.user_id
  data.items[0].item_id          41
                                 = item.id
  data.items[0].item_variant_id  42
                                 = item.variant_id
  data.items[0].item_name        Lamp – Moon
                                 = item.title
  data.items[0].price            20.00
                                 = item.price
  data.items[0].quantity         2
                                 = item.quantity
  data.items[0].discount         0.00
                                 = item.discount
  data.items[0].item_category_id –
                                 = item.category_id
  clicks.axwrt                   found by attribute(order, '_axon_client_id')
  clicks.client_id               found by attribute(order, '_axon_client_id')
"""


def shop(name: str, **changes: str) -> Shop:
    """Return a shipped shop."""
    found = load_configuration({**ENVIRONMENT, **changes}).shops.get(name)
    assert found is not None
    return found


def show(body: object, name: str = "woocommerce", **changes: str) -> Any:
    """Return the preview of one order."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return preview(raw, shop(name, **changes))


def test_the_whole_text() -> None:
    """People see the money, what was dropped, and each field with its expression, in 80 columns."""
    lines = list(show(ORDER).lines())
    assert SHOWN.splitlines() == lines
    assert 80 >= max(map(len, lines))


def test_the_whole_document() -> None:
    """Programs get the event, why there is none, the problems, the explanation, and the money in exact decimals."""
    found = show(ORDER).to_json()
    assert ["event", "skipped", "problems", "explanation", "clicks", "warnings", "money"] == list(found)
    assert (None, []) == (found["skipped"], found["problems"])
    assert {
        "target": "event.data.value",
        "expression": "purchase.items_value",
        "file": "mappings/woocommerce.toml",
        "value": Decimal("40.00"),
    } in found["explanation"]
    assert dict.fromkeys(["axwrt", "client_id"], "attribute(order, '_axon_client_id')") == found["clicks"]
    assert ["the customer id was dropped: Axon asks for 6 characters"] == found["warnings"]
    assert {
        "currency": "EUR",
        "items": Decimal("40.00"),
        "tax": Decimal("8.55"),
        "shipping": Decimal("5.00"),
        "rest": {"Gift wrap": Decimal("2.00")},
        "total": Decimal("55.55"),
        "remainder": Decimal("0.00"),
    } == found["money"]


def test_shopify() -> None:
    """A Shopify order is shown likewise."""
    found = show((SAMPLES / "shopify" / "free_shipping_code.json").read_bytes(), "shopify")
    data = found.to_json()["event"]["data"]
    assert ("5839102746006", "USD", Decimal("24.00")) == (data["transaction_id"], data["currency"], data["value"])
    assert not [line for line in found.lines() if line.startswith(("WARNING", "PROBLEM", "SKIPPED", "NOTE"))]


def test_a_skipped_order() -> None:
    """A skipped order shows the rule and its money, and no event."""
    found = show(ORDER | {"status": "pending", "date_paid_gmt": None})
    assert "SKIPPED  unpaid: the order is unpaid; it is sent when it is paid" == list(found.lines())[1]
    assert "money (EUR)" in list(found.lines())
    assert (None, []) == (found.to_json()["event"], found.to_json()["explanation"])


def test_an_order_with_problems() -> None:
    """What the API would refuse is a problem with its path, and there is no event to send."""
    broken = show(ORDER, WOOCOMMERCE_WEBHOOK_SECRET="", WOOCOMMERCE_SITE_URL="")
    assert ("event.event_source_url: must be a complete http or https address",) == broken.problems
    assert None is broken.to_json()["event"]
    assert [
        "NOTE     the shop is off: it has no webhook secret: the variable WOOCOMMERCE_WEBHOOK_SECRET is not set",
        "PROBLEM  event.event_source_url: must be a complete http or https address",
    ] == list(broken.lines())[1:3]


def test_a_remainder() -> None:
    """A part of the total that can't be named is shown in the money."""
    found = show(ORDER | {"total": "56.55"})
    assert "  remainder that can't be named                                           1.00" in list(found.lines())
    assert Decimal("1.00") == found.to_json()["money"]["remainder"]


@pytest.mark.parametrize(
    ("body", "name", "line"),
    [
        (b'{"id":5}', "woocommerce", "SKIPPED  ignored: the order was moved to the trash or deleted"),
        (b"<order/>", "shopify", "PROBLEM  unreadable: the body isn't a JSON object that can be read"),
        ({**ORDER, "currency": None}, "woocommerce", "PROBLEM  unreadable: "),
        (
            (SAMPLES / "shopify" / "test_notification.json").read_bytes(),
            "shopify",
            "SKIPPED  test notification: the platform's sample order is recorded and never sent",
        ),
    ],
)
def test_no_order(body: object, name: str, line: str) -> None:
    """What is no order, or none that can be read, says what it is; there is no money and no event."""
    found = show(body, name)
    lines = list(found.lines())
    assert 2 == len(lines)
    assert lines[1].startswith(line)
    expected = {"event": None, "explanation": [], "clicks": {}, "warnings": [], "money": None}
    assert expected == {key: found.to_json()[key] for key in expected}


def test_several_files(tmp_path: Path) -> None:
    """Fields of a shop's own file stand under its name, inherited ones under the base's."""
    (tmp_path / "acme.toml").write_text('extends = "woocommerce"\n[event.user_data]\nesi = "\'web\'"\n')
    found = load_configuration({**ENVIRONMENT, "MAPPINGS_DIR": str(tmp_path)}).shops.get("acme")
    assert found is not None
    lines = list(preview(json.dumps(ORDER).encode(), found).lines())
    assert 3 == len([line for line in lines if line.startswith("fields (")])
