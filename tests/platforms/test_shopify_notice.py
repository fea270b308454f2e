"""Bodies are invented in the shape of API 2026-04; a glance tells orders from everything else that Shopify sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapter.platforms.document import parse_document
from adapter.platforms.shopify import SHOPIFY
from adapter.platforms.webhook import Ignored, OrderNotice, Unreadable
from adapter.purchase.order import Payment, Standing

SAMPLES = Path(__file__).parents[1] / "samples" / "shopify"


def glance(**fields: object) -> OrderNotice | Ignored | Unreadable:
    """Glance at a body with these fields."""
    return SHOPIFY.glance(json.dumps(fields).encode())


def notice(**fields: object) -> OrderNotice:
    """Glance at an order with these fields besides id and lines."""
    found = glance(**({"id": 5839102746001, "line_items": []} | fields))
    assert isinstance(found, OrderNotice)
    return found


def test_a_whole_order_is_noticed() -> None:
    """Id, token, times in UTC and standing are read from a body as Shopify sends it."""
    found = SHOPIFY.glance((SAMPLES / "web_discounts_usd.json").read_bytes())
    assert found == OrderNotice(
        order_id="5839102746001",
        token="01c4f1e0b7a94d2686a53c9e7f10d8b2",
        updated_at=datetime(2026, 11, 2, 13, 5, 39, tzinfo=UTC),
        standing=Standing(payment=Payment.PAID, placed_at=datetime(2026, 11, 2, 13, 5, 31, tzinfo=UTC)),
    )


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.json")))
@pytest.mark.parametrize("side", ["presentment", "shop"])
def test_a_glance_and_the_whole_reading_agree(name: str, side: str) -> None:
    """What intake stores is what delivery finds later: id, token and standing."""
    body = (SAMPLES / f"{name}.json").read_bytes()
    found = SHOPIFY.glance(body)
    order = SHOPIFY.read_order(parse_document(body), "shop" if side == "shop" else "presentment")
    assert isinstance(found, OrderNotice)
    assert (order.id, order.token, order.standing) == (found.order_id, found.token, found.standing)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1", "1"),
        ("9007199254740993", "9007199254740993"),
        ("18446744073709551617", "18446744073709551617"),
        ('"5839102746001"', "5839102746001"),
        ("9" * 64, "9" * 64),
    ],
)
def test_ids_keep_every_digit(written: str, read: str) -> None:
    """Ids above 2^53 and 2^64 and ids in quotes are exact."""
    found = SHOPIFY.glance(f'{{"id": {written}, "line_items":\n []}}'.encode())
    assert isinstance(found, OrderNotice)
    assert read == found.order_id


@pytest.mark.parametrize(
    "written", ["true", "-5", "1.5", "8.2e17", '"gid://shopify/Order/1"', '"١٢٣"', "[1]", "9" * 65]
)
def test_what_is_no_whole_number_is_no_order_id(written: str) -> None:
    """An order whose id can't be told is kept and shown, with what to change."""
    found = SHOPIFY.glance(f'{{"id": {written}, "line_items": [], "order_number": 1001}}'.encode())
    assert isinstance(found, Unreadable)
    assert "its id isn't a whole number" in found.reason


@pytest.mark.parametrize("lines", [{}, None, "[", 3])
def test_an_order_needs_a_list_of_lines(lines: object) -> None:
    """A body that was cut down by include_fields is kept and shown."""
    found = glance(id=1, line_items=lines, financial_status="paid")
    assert isinstance(found, Unreadable)
    assert "include_fields" in found.reason


@pytest.mark.parametrize(
    ("order_id", "is_test", "expected"),
    [
        (820982911946154508, True, True),
        (820982911946154500, True, True),
        ("820982911946154508", True, True),
        (820982911946154508, False, False),
        (820982911946154508, "true", False),
        (5839102746001, True, False),
    ],
)
def test_the_canned_order_is_known_by_id_and_mark(order_id: object, is_test: object, expected: bool) -> None:
    """Only Shopify's sample id together with test=true is a test notification; a paid test order is an order."""
    assert expected is notice(id=order_id, test=is_test).test_notification


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-02T14:05:39+01:00", datetime(2026, 11, 2, 13, 5, 39, tzinfo=UTC)),
        ("2026-11-02T22:05:39-05:30", datetime(2026, 11, 3, 3, 35, 39, tzinfo=UTC)),
        ("2026-11-02T13:05:39.877041743Z", datetime(2026, 11, 2, 13, 5, 39, 877041, tzinfo=UTC)),
        ("2026-11-02T13:05:39", None),
        ("0001-01-01T00:00:00+05:00", None),
        ("2026-13-02T13:05:39Z", None),
        ("yesterday", None),
        ("", None),
        (1793624739, None),
        (["2026-11-02T13:05:39Z"], None),
        (None, None),
    ],
)
def test_times_need_their_offset(written: object, read: datetime | None) -> None:
    """A time of another shape is unknown, and never guessed."""
    assert read == notice(updated_at=written).updated_at


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("abc123", "abc123"),
        ("", None),
        (7, None),
        ({"a": 1}, None),
        ("a\x00b", None),
        ("a" * 256, None),
    ],
)
def test_odd_tokens_are_no_tokens(written: object, read: str | None) -> None:
    """A token of an odd type or shape never loses the order, and never reaches the database."""
    assert read == notice(token=written).token


def test_odd_types_never_lose_an_order() -> None:
    """Whatever type the other fields have, the order is noticed."""
    found = notice(
        financial_status=["paid"], cancelled_at={}, processed_at=3, created_at=[], test="yes", updated_at=False
    )
    assert found.standing == Standing(payment=Payment.UNPAID)


IGNORED = {
    "order edit": ({"order_edit": {"id": 1, "order_id": 2}}, "orders/edited"),
    "refund": ({"id": 890100200300, "order_id": 2, "refund_line_items": []}, "refunds/create"),
    "fulfillment": ({"id": 410100200300, "order_id": 2, "line_items": [], "status": "success"}, "part of an order"),
    "transaction": ({"id": 510100200300, "order_id": 2, "kind": "sale", "amount": "1.00"}, "part of an order"),
    "checkout before 2026-04": (
        {
            "id": 34100200300,
            "token": "c0ffee",
            "line_items": [],
            "abandoned_checkout_url": "https://shop.example.test/c",
        },
        "checkouts/*",
    ),
    "checkout since 2026-04": (
        {"token": "c0ffee", "line_items": [], "abandoned_checkout_url": "https://shop.example.test/c"},
        "checkouts/*",
    ),
    "checkout with a few fields": ({"token": "c0ffee", "line_items": []}, "checkouts/*"),
    "cart": ({"id": "hWN7q0", "token": "hWN7q0", "line_items": []}, "carts/*"),
    "draft order": (
        {"id": 99100200300, "line_items": [], "status": "open", "invoice_url": "https://shop.example.test/i"},
        "draft_orders/*",
    ),
    "data request": (
        {"shop_id": 1, "shop_domain": "s", "customer": {"id": 3}, "orders_requested": [], "data_request": {"id": 9}},
        "customers/data_request",
    ),
    "customer redact": (
        {"shop_id": 1, "shop_domain": "s", "customer": {"email": "ada@example.com"}, "orders_to_redact": []},
        "customers/redact",
    ),
    "shop redact": ({"shop_id": 1, "shop_domain": "s"}, "shop/redact"),
    "Events with changes": ({"topic": "Order", "fields_changed": {"added": [], "updated": []}}, "Events"),
    "Events with metadata alone": ({"topic": "Order", "action": "create", "handle": "orders"}, "Events"),
    "delete": ({"id": 5839102746001}, "delete topics"),
    "delete with a graph id": ({"id": 1, "admin_graphql_api_id": "gid://shopify/Order/1"}, "delete topics"),
}


@pytest.mark.parametrize(("fields", "said"), IGNORED.values(), ids=IGNORED)
def test_what_is_no_order_is_ignored_with_its_name(fields: dict[str, object], said: str) -> None:
    """The reason says in words what the body is, so that its reader can change the subscription."""
    found = glance(**fields)
    assert isinstance(found, Ignored)
    assert said in found.reason


@pytest.mark.parametrize("mark", ["order_id", "abandoned_checkout_url", "invoice_url"])
def test_a_null_mark_says_nothing(mark: str) -> None:
    """An order that carries such a key as null is still an order."""
    assert notice(**{mark: None}).order_id == "5839102746001"


UNREADABLE = {
    "nothing": b"",
    "a number": b"7",
    "null": b"null",
    "a list": b'[{"id": 1, "line_items": []}]',
    "an empty object": b"{}",
    "a product": b'{"id": 1, "title": "Fern pot", "variants": []}',
    "a form": b"webhook_id=12",
    "XML": b"<?xml version='1.0'?><order/>",
    "half an object": b'{"id": 1, "line_items": [',
    "no UTF-8": b'{"id": 1, "token": "\xff"}',
    "half of a surrogate pair": b'{"id": 1, "token": "\\ud800", "line_items": []}',
    "UTF-16": '{"id": 1}'.encode("utf-16"),
    "a key that is no text": b"{1: 2}",
    "a deep list": b'{"token":' + b"[" * 200_000,
    "a deep line": b'{"id":1,"line_items":' + b"[" * 200_000,
    "an endless number": b'{"id": ' + b"9" * 10_000 + b"}",
    "a number without end": b'{"id": 1e999999}',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_said_and_never_raised(body: bytes) -> None:
    """Any other body gives a reason, whatever its bytes."""
    found = SHOPIFY.glance(body)
    assert isinstance(found, Unreadable)
    assert found.reason.startswith("the body ")
