"""Who bought, and under which keys click identifiers may have been stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapter.errors import OrderUnreadable
from adapter.platforms.document import parse_document
from adapter.platforms.shopify import SHOPIFY
from adapter.purchase.order import Buyer, Order, PhoneNumber

SAMPLES = Path(__file__).parents[1] / "samples" / "shopify"


def read(name: str = "web_discounts_usd", **changes: object) -> Order:
    """Read a sample order with some fields changed."""
    body: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return SHOPIFY.read_order(parse_document(json.dumps(body | changes).encode()), "presentment")


def test_the_buyer_of_a_web_order() -> None:
    """Every way to recognise the buyer is there, as it was typed."""
    user_agent = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Version/18.6 Mobile/15E148 Safari/604.1"
    )
    assert read().buyer == Buyer(
        emails=("ada.rowan@example.com",),
        phones=(
            PhoneNumber(text="+15035550142", country_code="US"),
            PhoneNumber(text="(503) 555-0142", country_code="US"),
        ),
        user_id="7300200100001",
        zip="97205",
        country_code="US",
        ip="203.0.113.1",
        user_agent=user_agent,
    )


def test_emails_come_best_first() -> None:
    """The order's own address, its contact address and the customer's, each once."""
    order = read(email="a@example.com", contact_email=" b@example.com", customer={"email": "a@example.com"})
    assert order.buyer.emails == ("a@example.com", "b@example.com")


def test_each_phone_has_the_country_of_its_address() -> None:
    """A local number means nothing without the country of the address it stands in."""
    order = read(
        phone="1",
        shipping_address={"phone": "2", "country_code": "de"},
        billing_address={"phone": "3", "country_code": "FR"},
        customer={"phone": "4", "default_address": {"phone": "5", "country_code": "IT"}},
    )
    assert order.buyer.phones == (
        PhoneNumber(text="1", country_code="DE"),
        PhoneNumber(text="2", country_code="DE"),
        PhoneNumber(text="3", country_code="FR"),
        PhoneNumber(text="4", country_code="IT"),
        PhoneNumber(text="5", country_code="IT"),
    )


def test_the_orders_phone_falls_back_to_the_billing_country() -> None:
    """A digital order has no shipping address."""
    order = read(phone="030 5550142", shipping_address=None, billing_address={"country_code": "DE"}, customer=None)
    assert order.buyer.phones == (PhoneNumber(text="030 5550142", country_code="DE"),)


@pytest.mark.parametrize(
    ("billing", "shipping", "expected"),
    [
        ({"zip": "04109", "country_code": "DE"}, {"zip": "1010", "country_code": "AT"}, ("04109", "DE")),
        ({"zip": None, "country_code": "DE"}, {"zip": "1010", "country_code": "AT"}, (None, "DE")),
        ({"zip": "", "country_code": "AT"}, {"zip": "1010", "country_code": "AT"}, ("1010", "AT")),
        (None, {"zip": "1010", "country_code": "AT"}, ("1010", "AT")),
        ({"zip": "1020"}, {"zip": "1010", "country_code": "AT"}, ("1020", "AT")),
        ({"zip": 4109, "country_code": "Germany"}, [], (None, None)),
        (None, None, (None, None)),
    ],
)
def test_zip_and_country_belong_together(billing: object, shipping: object, expected: tuple[str | None, ...]) -> None:
    """The billing address counts before the shipping address, and never is a zip taken from another country."""
    buyer = read(billing_address=billing, shipping_address=shipping).buyer
    assert expected == (buyer.zip, buyer.country_code)


def test_the_browser_ip_of_the_order_stands_in() -> None:
    """Without client_details the order's browser_ip counts."""
    buyer = read(client_details=None, browser_ip="203.0.113.77").buyer
    assert (buyer.ip, buyer.user_agent) == ("203.0.113.77", None)


@pytest.mark.parametrize(
    ("in_details", "in_order", "expected"),
    [
        ("2001:db8::7", "203.0.113.77", "203.0.113.77"),
        ("203.0.113.77", "2001:db8::7", "203.0.113.77"),
        ("203.0.113.77", "203.0.113.78", "203.0.113.77"),
        ("2001:db8::7", "2001:db8::8", "2001:db8::7"),
        ("2001:db8::7", "::ffff:203.0.113.77", "203.0.113.77"),
        ("10.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("unknown", "203.0.113.77", "203.0.113.77"),
        ("unknown", None, "unknown"),
        (None, None, None),
    ],
)
def test_ipv4_is_preferred(in_details: str | None, in_order: str | None, expected: str | None) -> None:
    """Of the two addresses a public one counts first, then IPv4, as Axon prefers; none is invented."""
    assert expected == read(client_details={"browser_ip": in_details}, browser_ip=in_order).buyer.ip


def test_the_browser_of_a_draft_order_is_the_staffs() -> None:
    """IP address and user agent are left out, with a warning, and kept apart as what the buyer's are not."""
    agent = "Staff/1.0"
    order = read(
        "draft_custom_line_cad",
        browser_ip="203.0.113.5",
        client_details={"browser_ip": "::ffff:203.0.113.6", "user_agent": agent},
    )
    assert (order.buyer.ip, order.buyer.user_agent) == (None, None)
    assert {"203.0.113.5", "203.0.113.6", agent} == order.buyer.not_buyers
    assert order.warnings == (
        "this is a draft order: its IP address and user agent are of the shop's staff, so left out",
    )


def test_a_draft_order_without_a_browser_needs_no_warning() -> None:
    """Where nothing is left out, nothing is said."""
    assert read("draft_custom_line_cad", browser_ip=None, client_details=None).warnings == ()


@pytest.mark.parametrize("odd", [None, "", 7, [], {}, True, ["x"], {"x": {}}])
def test_personal_fields_of_any_type_never_stop_an_order(odd: object) -> None:
    """Shops see personal fields or not, by plan and app; nothing is invented in their place."""
    names = (
        "email",
        "contact_email",
        "customer",
        "billing_address",
        "shipping_address",
        "client_details",
        "browser_ip",
    )
    order = read(
        phone=odd, token=odd, cart_token=odd, checkout_token=odd, landing_site=odd, **dict.fromkeys(names, odd)
    )
    assert order.buyer == Buyer()
    assert (order.token, order.click_keys) == (None, (("client_id", "0b8f6c1e-0000-4000-8000-000000000001"),))


def test_click_identifiers_may_be_stored_under_three_keys() -> None:
    """The storefront's cart token ends in ?key=…, the order's doesn't: only what is before it is compared.

    Last comes the browser that the cart's attributes name: it may have clicked for another order.
    """
    order = read(cart_token="hWN7q0?key=0badc0de", checkout_token="c0ffee")
    browser = ("client_id", "0b8f6c1e-0000-4000-8000-000000000001")
    assert order.click_keys == (("checkout_token", "c0ffee"), ("cart_token", "hWN7q0"), browser)
    assert read(checkout_token=None, cart_token="hWN7q0", note_attributes=[]).click_keys == (("cart_token", "hWN7q0"),)


def test_the_page_has_no_key() -> None:
    """order_status_url opens the order for everyone who has it, so it's never used."""
    assert read().page == "/"


@pytest.mark.parametrize(("length", "warned"), [(254, False), (255, True), (256, True)])
def test_a_landing_site_that_was_cut_off_is_said(length: int, warned: bool) -> None:
    """Live shops were seen to keep 255 characters, so the last click identifier isn't whole and isn't used."""
    assert warned is bool(read(landing_site="/?aleid=" + "a" * (length - 8)).warnings)


@pytest.mark.parametrize(
    ("processed_at", "created_at", "updated_at", "expected"),
    [
        ("2026-11-02T14:00:00+01:00", "2026-11-02T15:00:00+01:00", None, datetime(2026, 11, 2, 13, tzinfo=UTC)),
        ("", "2026-11-02T15:00:00+01:00", None, datetime(2026, 11, 2, 14, tzinfo=UTC)),
        (None, None, "2026-11-02T16:00:00+01:00", datetime(2026, 11, 2, 15, tzinfo=UTC)),
    ],
)
def test_an_order_was_placed_when_it_was_processed(
    processed_at: object, created_at: object, updated_at: object, expected: datetime
) -> None:
    """processed_at, else created_at, else updated_at; the last one comes with a warning."""
    order = read(processed_at=processed_at, created_at=created_at, updated_at=updated_at)
    assert expected == order.placed_at
    assert bool(updated_at) is any("updated_at counts" in warning for warning in order.warnings)


def test_an_order_without_any_time_is_unreadable() -> None:
    """The time of a purchase is never made up."""
    with pytest.raises(OrderUnreadable, match="processed_at, created_at and updated_at"):
        read(processed_at=None, created_at="2026-11-02", updated_at=0)


@pytest.mark.parametrize("order_id", [None, "", "#1001", -1, 1.5, True, "9" * 65])
def test_an_order_without_an_id_is_unreadable(order_id: object) -> None:
    """Without its id an order can't be told from another one."""
    with pytest.raises(OrderUnreadable, match=r"^id isn't a whole number"):
        read(id=order_id)


def test_an_order_keeps_its_own_json() -> None:
    """Mappings read the platform's own fields; ids above 2^53 are exact."""
    order = read(id=9007199254740993)
    assert (order.platform, order.id, order.source["name"]) == ("shopify", "9007199254740993", "#1001")
