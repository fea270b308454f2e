"""The glance: what a verified WooCommerce body is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.platforms.webhook import Ignored, OrderNotice, Unreadable
from adapter.platforms.woocommerce import WOOCOMMERCE
from adapter.platforms.woocommerce.body import token_of
from adapter.purchase.order import Payment, Standing

LIVE = Path(__file__).parents[1] / "samples" / "woocommerce-live"


def live(number: str) -> bytes:
    """Return the body of a captured delivery."""
    (folder,) = LIVE.glob(f"{number}-*")
    return (folder / "body.bin").read_bytes()


def body(**fields: object) -> bytes:
    """Return the body of a tiny order with these fields."""
    return json.dumps({"id": 7, "line_items": [], **fields}).encode()


def at(hour: int, minute: int, second: int) -> datetime:
    """Return this time of the day of the captures."""
    return datetime(2026, 11, 23, hour, minute, second, tzinfo=UTC)


def test_live_order_gives_its_notice() -> None:
    """A captured cash-on-delivery order is a paid order, countable since it was placed."""
    expected = OrderNotice(
        order_id="26",
        token="wc_order_2LcEAzGXxZnVC",
        updated_at=at(7, 41, 50),
        standing=Standing(payment=Payment.PAID, placed_at=at(7, 41, 49)),
    )
    assert expected == WOOCOMMERCE.glance(live("03"))


@pytest.mark.parametrize(
    ("number", "payment", "closed"),
    [
        ("04", Payment.UNPAID, None),
        ("18", Payment.UNPAID, None),
        ("22", Payment.PAID, None),
        ("24", Payment.UNPAID, "trashed"),
        ("36", Payment.UNPAID, "refunded"),
        ("38", Payment.PAID, None),
        ("41", Payment.FAILED, None),
        ("43", Payment.UNPLACED, None),
    ],
)
def test_live_order_has_its_standing(number: str, payment: Payment, closed: str | None) -> None:
    """Captured orders in other states are recognised without reading them whole."""
    notice = WOOCOMMERCE.glance(live(number))
    assert isinstance(notice, OrderNotice)
    assert (payment, closed) == (notice.standing.payment, notice.standing.closed)


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (live("33"), "deleted for good before"),
        (live("47"), "only its id is sent"),
        (live("49"), 'action "woocommerce_new_order"'),
        (live("53"), '"WP REST API Integration v3"'),
        (b'{"id":"31"}', '"Order created" and "Order updated"'),
        (b'{"action":"a","arg":{"id":1}}', '"Order created" or "Order updated"'),
        (b'{"action":[1.5],"arg":null}', 'action "[\\"1.5\\"]"'),
        (
            b'{"code":"woocommerce_rest_cannot_view","message":"Nein.","data":{"status":401}}',
            "as an administrator",
        ),
        (b'{"code":"no_route","message":"","data":null}', '"no_route"'),
        (b'{"order":{"id":7,"line_items":[]}}', '"WP REST API Integration v3"'),
        (b'{"id":9,"amount":"10.00","reason":"","refunded_payment":false,"line_items":[]}', "a refund"),
        (b'{"id":9,"amount":"10.00","reason":"","line_items":[]}', "a refund"),
        (body(status="active", billing_period="month", billing_interval="1"), "a subscription, not an order"),
        (body(status="active", billing_period="week", next_payment_date_gmt=""), "a subscription"),
    ],
)
def test_what_is_no_order_is_ignored_with_a_way_out(sample: bytes, words: str) -> None:
    """Each kind of body that WooCommerce signs and that is no order is ignored, saying what it is."""
    answer = WOOCOMMERCE.glance(sample)
    assert isinstance(answer, Ignored)
    assert words in answer.reason


def test_unknown_error_code_is_quoted_short_and_plain() -> None:
    """Of an unknown code at most 100 characters are shown, with control characters and other scripts escaped."""
    answer = WOOCOMMERCE.glance(json.dumps({"code": "é\n" + "x" * 500, "message": ""}).encode())
    assert isinstance(answer, Ignored)
    assert answer.reason.endswith(': "\\u00e9\\n' + "x" * 98 + '"')


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (b"", "the body isn't JSON"),
        (b"\xff\xfe", "the body isn't JSON"),
        (b'{"id":1,"line_items":[1,,]}', "the body isn't JSON"),
        (b'{"id":1,"line_items":[],"total":NaN}', "the body isn't JSON"),
        (b'{"id":1,"line_items":[],"total":1e999999999999999999999}', "the body isn't JSON"),
        (b'{"id":1,"line_items":[],"order_key":"\xed\xa0\x80"}', "the body isn't JSON"),
        (b'{"id":' + b"9" * 6000 + b',"line_items":[]}', "the body isn't JSON"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"id":1,"line_items":' + b"[" * 100_000, "nested deeper"),
        (b"webhook_id=7", "the body isn't JSON"),
        (b"[]", "the body is a list"),
        (b'"text"', "the body is"),
        (b"null", "the body is"),
        (b"{}", "its id is missing"),
        (b'{"id":0}', "its id is missing"),
        (b'{"id":true,"line_items":[]}', "its id is missing"),
        (b'{"id":-5,"line_items":[]}', "its id is missing"),
        (b'{"id":"5b","line_items":[]}', "its id is missing"),
        (b'{"id":1.5,"line_items":[]}', "its id is missing"),
        (b'{"id":5,"status":"processing"}', "its line_items is missing"),
        (b'{"id":5,"line_items":null,"status":"x"}', "its line_items is missing"),
        (b'{"id":5,"line_items":{"a":1}}', "its line_items is missing"),
        (b'{"id":5,"order":[]}', "its line_items is missing"),
        (b'{"code":5,"message":""}', "its id is missing"),
        (b'{"code":"x"}', "its id is missing"),
    ],
)
def test_what_cant_be_read_is_unreadable_with_a_reason(sample: bytes, words: str) -> None:
    """A body that is neither an order nor anything known is unreadable, and says what is wrong."""
    answer = WOOCOMMERCE.glance(sample)
    assert isinstance(answer, Unreadable)
    assert words in answer.reason


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"date_modified_gmt": "2026-11-23T07:41:50"}, at(7, 41, 50)),
        ({"date_modified_gmt": "2026-11-23T07:41:50Z"}, at(7, 41, 50)),
        ({"date_modified_gmt": "", "date_created_gmt": "2026-11-23T07:41:49"}, at(7, 41, 49)),
        ({"date_modified_gmt": None, "date_created_gmt": "2026-11-23T07:41:49"}, at(7, 41, 49)),
        ({"date_modified_gmt": "yesterday", "date_created_gmt": "2026-11-23T07:41:49"}, at(7, 41, 49)),
        ({"date_modified_gmt": "0000-00-00T00:00:00", "date_created_gmt": 5}, None),
        ({}, None),
    ],
)
def test_updated_at_falls_back_to_created(fields: dict[str, Any], expected: datetime | None) -> None:
    """The body's age is date_modified_gmt, else date_created_gmt, else unknown; all are UTC."""
    notice = WOOCOMMERCE.glance(body(**fields))
    assert isinstance(notice, OrderNotice)
    assert expected == notice.updated_at


@pytest.mark.parametrize(("value", "expected"), [(26, "26"), ("26", "26"), (" 0026 ", "26"), (10**19, str(10**19))])
def test_order_id_is_text_without_zeros_in_front(value: object, expected: str) -> None:
    """The same order has the same id whether a plugin made it text or not."""
    notice = WOOCOMMERCE.glance(body(id=value))
    assert isinstance(notice, OrderNotice)
    assert expected == notice.order_id


def test_list_with_a_hole_is_still_a_list() -> None:
    """PHP writes a list from which a plugin took the first line as an object; the order isn't lost."""
    assert isinstance(WOOCOMMERCE.glance(b'{"id":5,"line_items": {"1":{}}}'), OrderNotice)


def test_order_with_a_plugins_billing_period_is_an_order() -> None:
    """Some plugins add billing_period to orders; only a schedule beside it makes a subscription."""
    assert isinstance(WOOCOMMERCE.glance(body(status="processing", billing_period="month")), OrderNotice)


@pytest.mark.parametrize(
    ("order_key", "expected"),
    [
        ("wc_order_a1", "wc_order_a1"),
        ("", None),
        (None, None),
        (5, None),
        ("a\x00b", None),
        ("\ud800", None),
        ("x" * 200, "x" * 200),
        ("x" * 201, None),
    ],
)
def test_token_is_a_key_that_can_be_stored(order_key: object, expected: str | None) -> None:
    """Only printable text of a sane length is a token: a database refuses NUL and half surrogates."""
    assert expected == token_of(order_key)


@given(st.binary(max_size=200))
def test_glance_answers_for_any_bytes(sample: bytes) -> None:
    """Whatever the bytes are, the glance gives one of its three answers."""
    assert isinstance(WOOCOMMERCE.glance(sample), OrderNotice | Ignored | Unreadable)


@given(end=st.integers(min_value=0, max_value=2350))
def test_glance_of_a_cut_body_is_unreadable(end: int) -> None:
    """A captured body that was cut anywhere is never taken for an order."""
    assert isinstance(WOOCOMMERCE.glance(live("13")[:end]), Unreadable)


@pytest.mark.parametrize("space", ["", " ", "\n  "])
def test_lines_with_a_hole_make_an_order_however_they_are_laid_out(space: str) -> None:
    """PHP's numbered object is a list of lines in a file that was indented for reading, too."""
    body = f'{{"id": 7, "line_items": {{{space}"0": {{"id": 1}}}}}}'.encode()
    assert isinstance(WOOCOMMERCE.glance(body), OrderNotice)


def test_an_object_with_names_is_no_list_of_lines() -> None:
    """Only numbers for names make a list of it."""
    assert isinstance(WOOCOMMERCE.glance(b'{"id": 7, "line_items": {"a": {"id": 1}}}'), Unreadable)
