"""Every way of writing a mapping file, and the event that it makes of the complete sample orders.

The expected values stand in adapter/operations/samples/shopify.json and woocommerce.json, or are worked out by hand.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapter.operations.samples import sample_orders
from adapter.operations.trial import fruitless_lines
from adapter.platforms.registry import PLATFORMS
from adapter.purchase.decision import Decision, decide

VALID = Path(__file__).resolve().parents[1] / "mappings" / "valid"
PAGE = VALID.parents[3] / "shared" / "facts" / "conversion-api.md"

SOLD = {
    "shopify": {"cancelled_at": None, "company": None},
    "woocommerce": {"parent_id": 0, "status": "processing"},
}
"""The sample orders say something everywhere; without this they would be cancelled, a company's, a part of another."""


def decision(folder: Any, name: str, **changes: Any) -> Decision:
    """Decide on the complete sample order of the file's platform, after changes."""
    folder.copy(VALID / f"{name}.toml")
    shop = folder.load().get(name)
    document = {**sample_orders(shop.platform)[0], **SOLD[shop.platform], **changes}
    order = PLATFORMS[shop.platform].read_order(document, shop.rules.policy.side)
    return decide(order, {}, shop.rules, timedelta(0))


def event(folder: Any, name: str, **changes: Any) -> dict[str, Any]:
    """Return the event of the complete sample order, which must be one that is sent."""
    decided = decision(folder, name, **changes)
    assert (None, ()) == (decided.skip, decided.problems)
    assert decided.to_send is not None
    return dict(decided.to_send.fields)


def test_an_heir_is_its_base(folder: Any) -> None:
    """A file that says nothing of its own makes the event of the shipped file: every field of it, from one order."""
    assert {
        "name": "purchase",
        "dedupe_id": "5840000009001",
        "event_time": 1777654800000,
        "event_source_url": "https://shop.example/",
        "user_data": {
            "esi": "web",
            "client_ip_address": "203.0.113.11",
            "client_user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
            # printf ada.rowan@example.com | sha256sum; printf 15035550142 | sha256sum
            "email": "d98a3f612ff594f7604cc7ca5ee4145ebe83eb4025b0e4a5448722437c9328b5",
            "phone": "b6a7e9d637373b00a42b2ae9fc7a4844b2ecd9841d3ce51bbf5eade0a7bea829",
            "user_id": "7300200109001",
            "zip": "97205",
            "country_code": "US",
            "aleid": "ax-event-9001",
            "alart": "ax-alart-9001",
            "axwrt": "ax-visitor-9001",
            "client_id": "ax-visitor-9001",
        },
        "data": {
            "transaction_id": "5840000009001",
            "currency": "USD",
            "value": Decimal("54.00"),
            "tax": Decimal("6.00"),
            "shipping": Decimal("6.00"),
            "user_id": "7300200109001",
            "items": [
                {
                    "item_id": "7701200000201",
                    "item_variant_id": "41200330000201",
                    "item_name": "Copper kettle",
                    "price": Decimal("27.00"),
                    "quantity": Decimal(2),
                    "discount": Decimal("3.00"),
                    "item_brand": "Demo Goods",
                }
            ],
        },
    } == event(folder, "heir")


def test_constants(folder: Any) -> None:
    """Texts, numbers and one category for the whole shop stand as literals; numbers keep their digits."""
    made = event(folder, "constants")
    assert ("CA", "desktop_os") == (made["user_data"]["country_code"], made["user_data"]["os"])
    assert (Decimal("4.90"), 0) == (made["data"]["shipping"], made["data"]["tax"])
    (item,) = made["data"]["items"]
    assert ("Outlet", 604) == (item["affiliation"], item["item_category_id"])


def test_fallbacks(folder: Any) -> None:
    """The first of a chain of || that says something wins: an empty text says nothing, 0 does."""
    made = event(folder, "fallbacks")
    assert ("9001", "04109") == (made["dedupe_id"], made["user_data"]["zip"])
    (item,) = made["data"]["items"]
    assert ("KETTLE-L", 0, "4006381333931") == (item["item_id"], item["discount"], item["item_brand"])
    shipping = {"postcode": ""}
    meta = [{"key": "_dedupe_id", "value": "w-9001"}]
    (line,) = sample_orders("woocommerce")[0]["line_items"]
    lines = [{**line, "sku": "", "global_unique_id": ""}]
    made = event(
        folder, "fallbacks", shipping=shipping, billing={"email": "a@example.com"}, meta_data=meta, line_items=lines
    )
    assert ("w-9001", "00000") == (made["dedupe_id"], made["user_data"]["zip"])
    (item,) = made["data"]["items"]
    assert ("201", "no brand") == (item["item_id"], item["item_brand"])


def test_removals(folder: Any) -> None:
    """An empty text takes away an inherited leaf or a whole table: its field isn't sent, its rules don't skip."""
    made = event(folder, "removals", cancelled_at="2026-05-04T10:00:00-07:00", company={"id": 1}, test=True)
    assert {"esi", "client_ip_address", "client_user_agent", "user_id", "country_code"} == made["user_data"].keys()
    (item,) = made["data"]["items"]
    assert {"item_id", "item_variant_id", "item_name", "price", "quantity"} == item.keys()


@pytest.mark.parametrize(("tags", "rule"), [("vip, wholesale", "skip_if"), ("vip", None), ("", None), (None, None)])
def test_skip_if(folder: Any, tags: str | None, rule: str | None) -> None:
    """An expression skips orders; one whose field is missing doesn't."""
    skip = decision(folder, "skip-wholesale", tags=tags).skip
    assert rule == (skip.rule if skip else None)


def test_overrides_of_any_leaf(folder: Any) -> None:
    """The total for the value, prices with tax, a prefix for the customer: every leaf of the base can be another."""
    made = event(folder, "whole-order")
    assert ("https://woo.example/thanks", 1777654800000) == (made["event_source_url"], made["event_time"])
    user, purchase = made["user_data"], made["data"]
    assert ("customer_482913", "jonas.linde@example.com", "493415550142") == (
        user["user_id"],
        user["email"],
        user["phone"],
    )
    assert ("W-9001", Decimal("72.59"), 0, 0) == (
        purchase["transaction_id"],
        purchase["value"],
        purchase["tax"],
        purchase["shipping"],
    )
    assert "user_id" not in purchase
    (item,) = purchase["items"]
    # Half of 54.00 and its 10.26 of tax.
    assert ("Kupferkessel", Decimal("32.13")) == (item["item_name"], item["price"])


def test_the_measurement_partner(folder: Any) -> None:
    """All required fields and all others; numbers, times and true or false in the form that Axon wants."""
    assert {
        "accounting_mode": "ACCRUAL",
        "attribution_lookback_window_hours": 24,
        "attribution_model": "LAST_CLICK",
        "attribution_share": Decimal("0.5"),
        "is_claimable": True,
        "campaign_id": "spring",
        "creative_set_id": "789",
        "first_purchase_ts": 1735750800000,
        "first_visit_ts": 1735750800000,
        "is_new_customer": False,
        "is_new_visitor": False,
        "last_purchase_ts": 1777654800000,
        "last_visit_ts": 1777654800000,
    } == event(folder, "partner")["measurement_partner_data"]


def test_the_measurement_partner_is_a_whole(folder: Any) -> None:
    """Where one of the five required fields finds nothing, the whole object is left out, with a warning."""
    assert "measurement_partner_data" not in event(folder, "partner-by-the-order")
    warnings = decision(folder, "partner-by-the-order").warnings
    assert "event.measurement_partner_data was left out: no value for attribution_share" in warnings
    made = event(folder, "partner-by-the-order", note_attributes=[{"name": "credit", "value": "0.75"}])
    assert Decimal("0.75") == made["measurement_partner_data"]["attribution_share"]
    assert 5 == len(made["measurement_partner_data"])


def categories(folder: Any, name: str, **changes: Any) -> list[int | None]:
    """Return the category of the sample line after changes to it."""
    (line,) = sample_orders("shopify")[0]["line_items"]
    made = event(folder, name, line_items=[{**line, **changes}])
    return [item.get("item_category_id") for item in made["data"]["items"]]


def test_categories(folder: Any) -> None:
    """The number comes from a table by product id, variant id or SKU; a product that isn't in it has none."""
    assert [187] == categories(folder, "categories")
    assert [604] == categories(folder, "categories", product_id=1, sku="TEA-TIN")
    assert [2020] == categories(folder, "categories", product_id=1, variant_id=41200330000105)
    assert [None] == categories(folder, "categories", product_id=1)


def test_categories_by_another_table(folder: Any) -> None:
    """A table of one's own may have any key, with a default for what isn't in it."""
    assert [187] == categories(folder, "categories-by-vendor")
    assert [604] == categories(folder, "categories-by-vendor", vendor="Else")
    assert [604] == categories(folder, "categories-by-vendor", vendor=None)
    assert "Kettles & cans" == event(folder, "categories-by-vendor")["data"]["items"][0]["item_category"]


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("heir", ("7701200000201", "41200330000201")),
        ("ids-by-variant", ("41200330000201", None)),
        ("ids-by-sku", ("KETTLE-L", "2011")),
        ("ids-by-template", ("shopify_US_7701200000201_41200330000201", "41200330000201")),
    ],
)
def test_ids_of_items(folder: Any, name: str, ids: tuple[str, str | None]) -> None:
    """Items are named as the catalogue names them: by product, variant, SKU or a template."""
    (item,) = event(folder, name)["data"]["items"]
    assert ids == (item["item_id"], item.get("item_variant_id"))


def test_forms_of_toml(folder: Any) -> None:
    """However TOML writes it, a leaf is a leaf; and each knows the line at which it begins."""
    made = event(folder, "forms-of-toml")
    assert ("97205-1207", "Demo Goods") == (made["user_data"]["zip"], made["data"]["items"][0]["item_brand"])
    shop = folder.load().get("forms-of-toml")
    assert timedelta(seconds=1) == shop.rules.policy.hold
    mapping = shop.rules.mapping
    origins = {leaf.target: leaf.expression.origin for leaves in mapping.leaves.values() for leaf in leaves}
    own = "mappings/forms-of-toml.toml"
    assert {
        "event.user_data.zip": f"{own}:4",
        "event.data.items.item_brand": f"{own}:9",
        "event.data.items.item_category": f"{own}:9",
        "event.data.tax": f"{own}:10",
    } == {target: origin for target, origin in origins.items() if origin.startswith(own)}
    assert [f"{own}:13"] * 2 == [expression.origin for expression in mapping.clicks["aleid"]]
    assert not [origin for origin in origins.values() if not re.fullmatch(r"mappings/[a-z-]+\.toml:[0-9]+", origin)]


FIELDS_OF_THE_PAGE = {
    "event": "dedupe_id event_source_url event_time",
    "user_data": "alart aleid axwrt client_id client_ip_address client_user_agent country_code email esi idfv ifa os"
    " phone sid user_id zip",
    "data": "currency shipping tax transaction_id user_id value",
    "items": "affiliation discount image_url item_brand item_category item_category2 item_category_id item_id"
    " item_name item_variant_id price quantity",
    "measurement_partner_data": "accounting_mode attribution_lookback_window_hours attribution_model attribution_share"
    " campaign_id creative_set_id first_purchase_ts first_visit_ts is_claimable is_new_customer is_new_visitor"
    " last_purchase_ts last_visit_ts",
}
"""Every field of the page "Conversion API", its tables and its example, read off by hand; `name` is purchase."""


def test_every_field_of_the_page(folder: Any) -> None:
    """Each field that the API's page knows can be mapped, and reaches the event."""
    made = event(folder, "every-field")
    (item,) = made["data"]["items"]
    parts = {
        "user_data": made["user_data"],
        "data": {key: value for key, value in made["data"].items() if key != "items"},
        "items": item,
        "measurement_partner_data": made["measurement_partner_data"],
    }
    parts["event"] = {key: value for key, value in made.items() if key not in ("name", *parts)}
    assert {part: set(fields.split()) for part, fields in FIELDS_OF_THE_PAGE.items()} == {
        part: set(values) for part, values in parts.items()
    }
    assert "purchase" == made["name"]


def test_the_values_of_every_field(folder: Any) -> None:
    """What was mapped is what is sent: texts as texts, numbers as numbers."""
    made = event(folder, "every-field")
    user, purchase, partner = made["user_data"], made["data"], made["measurement_partner_data"]
    (item,) = purchase["items"]
    assert ("ax-alart-9001", "ax-event-9001", "ax-visitor-9001") == (user["alart"], user["aleid"], user["axwrt"])
    assert ("00009001c1f34870a2c8d4e0f19b7a63", "hWN7q0DemoCart9001") == (user["client_id"], user["sid"])
    assert ("idfv-1", "ifa-1", "ios", "97205-1207") == (user["idfv"], user["ifa"], user["os"], user["zip"])
    assert ("USD", "#9001", "7300200109001") == (
        purchase["currency"],
        purchase["transaction_id"],
        purchase["user_id"],
    )
    assert (Decimal("54.00"), Decimal("6.00"), Decimal("6.00")) == (
        purchase["value"],
        purchase["tax"],
        purchase["shipping"],
    )
    assert ("every-field", "Large", "A. R.", 187) == (
        item["affiliation"],
        item["item_category"],
        item["item_category2"],
        item["item_category_id"],
    )
    assert ("7701200000201", "Copper kettle - Large", Decimal("30.00"), 2) == (
        item["item_id"],
        item["item_name"],
        item["price"],
        item["quantity"],
    )
    assert (Decimal("0.25"), 1735750800001, True, False) == (
        partner["attribution_share"],
        partner["first_purchase_ts"],
        partner["is_claimable"],
        partner["is_new_customer"],
    )


if PAGE.is_file():  # It lies beside the repository where this is developed; elsewhere there is nothing to compare.

    def test_the_list_is_the_pages() -> None:
        """The list above is complete: each name in the tables and the example of the page stands in it, no other."""
        page = PAGE.read_text("utf-8")
        tables = re.findall(r"^\|? ?([a-z_]+[a-z0-9_]*) \| [A-Za-z ]+(?:\[\])? \| (?:true|false)", page, re.MULTILINE)
        example = re.findall(r'"([a-z_0-9]+)":', page)
        listed = {field for fields in FIELDS_OF_THE_PAGE.values() for field in fields.split()}
        beside = {"pixel_id", "events", "name", "data", "user_data", "items", "measurement_partner_data"}
        assert len(tables) > 30
        assert listed | beside == {*tables, *example, "pixel_id"}


@pytest.mark.parametrize(
    "name",
    ["heir", "constants", "fallbacks", "whole-order", "partner", "categories", "ids-by-template", "every-field"],
)
def test_no_noise(folder: Any, name: str) -> None:
    """Nothing is said of a file whose lines find something, or ask for what only a shop's own orders can have."""
    folder.copy(VALID / f"{name}.toml")
    assert [] == fruitless_lines(folder.load())
