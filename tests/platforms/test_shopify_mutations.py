"""Nothing but `OrderUnreadable` ever comes out of reading, whatever happened to the body."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapter.errors import OrderUnreadable
from adapter.platforms.document import parse_document
from adapter.platforms.shopify import SHOPIFY
from adapter.platforms.webhook import Ignored, OrderNotice, Unreadable
from adapter.purchase.order import Order

SAMPLES = Path(__file__).parents[1] / "samples" / "shopify"
BODIES: list[Any] = [json.loads(path.read_text()) for path in sorted(SAMPLES.glob("*.json"))]

IN_ONE_CURRENCY = [body for body in BODIES if body["currency"] == body.get("presentment_currency")]

_ODD = st.sampled_from(
    [
        *(
            None,
            "",
            "0",
            "0.00",
            "-1",
            "x",
            "999999999999999.999999999999999999",
            "NaN",
            "٣",
            "\ud800",
            "\x00",
            " ",
            "EUR",
        ),
        *(0, 1, -1, 10**15 - 1, 10**30, 2**64, 1.5, 1e300, 1e-30, True, False, [], {}, [None], [[]], {"": None}),
        *("2026-11-02T14:00:00+01:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    ]
)
_DROP = "drop this key"


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of everything in this JSON."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, inner in inside:
        found += places(inner, (*path, key))
    return found


PLACES = [places(body) for body in BODIES]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a sample order with one to six of its values dropped or replaced."""
    number = draw(st.integers(0, len(BODIES) - 1))
    body: dict[str, Any] = copy.deepcopy(BODIES[number])
    for path in draw(st.lists(st.sampled_from(PLACES[number]), min_size=1, max_size=6)):
        replace(body, path, copy.deepcopy(draw(st.one_of(st.just(_DROP), _ODD))))
    return body


def replace(body: Any, path: tuple[str | int, ...], value: object) -> None:  # JSON of any shape.
    """Put the value at this path, or drop what is there; a path that is gone is left alone."""
    try:
        for step in path[:-1]:
            body = body[step]
        if value == _DROP:
            del body[path[-1]]
        else:
            body[path[-1]] = value
    except (KeyError, IndexError, TypeError):
        return


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=mutated(), side=st.sampled_from(["presentment", "shop"]))
def test_a_changed_order_is_read_or_refused(body: dict[str, Any], side: Any) -> None:  # A drawn Side.
    """Every change leaves an order of whole amounts, or an `OrderUnreadable` that says something."""
    raw = json.dumps(body).encode()
    found = SHOPIFY.glance(raw)
    try:
        order: Order | str = SHOPIFY.read_order(parse_document(raw), side)
    except OrderUnreadable as error:
        order = str(error)
    assert isinstance(found, OrderNotice | Ignored | Unreadable)
    if isinstance(order, str):
        assert order
        return
    assert isinstance(order.remainder, Decimal)
    assert order.remainder.is_finite()
    assert all(line.total_before_discount.is_finite() for line in order.lines)


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=400))
def test_any_bytes_get_an_answer(body: bytes) -> None:
    """A glance at bytes that are no order never raises and never finds one."""
    assert isinstance(SHOPIFY.glance(body), Ignored | Unreadable)


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, len(BODIES) - 1), at=st.integers(0, 4000), put=st.binary(max_size=4), size=st.integers(0, 4)
)
def test_damaged_bytes_get_an_answer(seed: int, at: int, put: bytes, size: int) -> None:
    """An order with a few of its bytes replaced is noticed, ignored or unreadable."""
    whole = json.dumps(BODIES[seed]).encode()
    assert SHOPIFY.glance(whole[:at] + put + whole[at + size :]) is not None


@pytest.mark.parametrize(
    "drop", sorted({key for body in BODIES for key in body} - {"id", "line_items", "total_price"})
)
def test_no_single_missing_field_stops_an_order(drop: str) -> None:
    """Only id, lines and total are indispensable; a subscription's include_fields may leave out any other."""
    for body in IN_ONE_CURRENCY:
        rest = {key: value for key, value in body.items() if key != drop}
        order = SHOPIFY.read_order(parse_document(json.dumps(rest).encode()), "presentment")
        assert str(body["id"]) == order.id
        assert isinstance(SHOPIFY.glance(json.dumps(rest).encode()), OrderNotice)
