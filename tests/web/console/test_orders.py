"""The page of orders: what it shows, its filters, its pages, and whatever stands in its address."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from adapter.storage.tables import State


def test_before_the_first_order(operator: Any) -> None:
    """The page says that there is none, and for a wanted one where to look."""
    assert "No order is like that" in operator.read("/console/orders")
    words = operator.read("/console/orders?order=1234")
    assert "none with the id 1234 has come in" in words
    assert "its webhook didn't arrive" in words


def test_by_name(operator: Any) -> None:
    """An order's name isn't stored: who looks for one is told what to paste instead."""
    words = operator.read("/console/orders?order=%231001")
    assert "none with the id #1001 has come in. That is the order's name, which isn't stored" in words
    assert "its webhook didn't arrive" not in words


@pytest.mark.parametrize(
    "address",
    [
        "https://admin.shopify.com/store/acme/orders/5001",
        "https://acme.myshopify.com/admin/orders/5001?link_source=search",
        "gid://shopify/Order/5001",
        "https://woo.example/wp-admin/post.php?post=5001&action=edit",
        "https://woo.example/wp-admin/admin.php?page=wc-orders&action=edit&id=5001",
    ],
)
def test_by_address(operator: Any, orders: Any, address: str) -> None:
    """The address of an order in the shop's admin, as it is copied there, finds the order."""
    row = orders.receive("5001")
    orders.receive("5002")
    page = operator.get(f"/console/orders?order={quote(address, safe='')}").text
    assert [str(row)] == re.findall(r'href="/console/orders/(\d+)"', page)
    assert 'value="5001"' in page


def test_what_it_shows(operator: Any, orders: Any) -> None:
    """Each order with time, id, shop, state and reason; a delivered one with its value and how long it took."""
    row = orders.delivered("5001")
    orders.receive("5002", state=State.SKIPPED, reason="test: paid with a test payment")
    words = operator.read("/console/orders")
    assert "2026-05-01 12:00:00 5001 2026-05-01 12:00:00 shopify delivered 105.00 USD 3 s" in words
    assert "5002 2026-05-01 12:00:03 shopify skipped test: paid with a test payment – –" in words
    assert f'href="/console/orders/{row}"' in operator.get("/console/orders").text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("order=2", ["2"]),
        ("order=%202%20", ["2"]),
        ("shop=woocommerce", ["3"]),
        ("state=skipped", ["2"]),
        ("reason=test", ["2"]),
        ("day=2026-05-01", ["3", "2", "1"]),
        ("day=2026-05-02", []),
        ("shop=shopify&state=pending", ["1"]),
        ("state=nonsense&day=nonsense&older=x&newer=1-", ["3", "2", "1"]),
        ("older=0-0", []),
        (f"older={10**30}-{10**30}", ["3", "2", "1"]),
        ("older=%D9%A1-%D9%A1", ["3", "2", "1"]),
        ("order=%00%ff%f0%9f", []),
        ("day=0001-01-01", ["3", "2", "1"]),
        ("day=9999-12-31", ["3", "2", "1"]),
        ("shop=%27%20OR%201=1--", []),
        ("order=" + "9" * 3000, []),
        ("reason=%25", []),
    ],
)
def test_filters(operator: Any, orders: Any, query: str, expected: list[str]) -> None:
    """Each filter narrows the list; nonsense is passed over or finds nothing, and never fails."""
    orders.receive("1")
    orders.receive("2", state=State.SKIPPED, reason="test: paid with a test payment")
    orders.receive("3", shop="woocommerce")
    answer = operator.get(f"/console/orders?{query}")
    assert 200 == answer.status_code
    assert expected == re.findall(r'<a href="/console/orders/\d+"><bdi>(\d+)</bdi>', answer.text)


def test_pages(operator: Any, orders: Any, clock: Any) -> None:
    """Fifty orders stand on a page; the links lead to the older ones and back, with the same filter."""
    for number in range(120):
        orders.receive(str(number), b"{}", state=State.SKIPPED, reason="test: so")
        clock.advance(1)
    seen: list[str] = []
    path: str | None = "/console/orders?state=skipped"
    while path:
        page = operator.get(path).text
        seen += re.findall(r"<bdi>(\d+)</bdi></a>", page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        path = found and found[1].replace("&amp;", "&")
    assert [str(number) for number in reversed(range(120))] == seen
    back = re.search(r'href="([^"]+)" rel="prev"', page)
    assert back
    assert "state=skipped" in back[1]
    assert "<bdi>69</bdi>" in operator.get(back[1].replace("&amp;", "&")).text


def test_the_form_keeps_what_was_asked(operator: Any, orders: Any) -> None:
    """What was asked for stands in the form again, as text."""
    orders.receive("1", state=State.SKIPPED, reason="test: so")
    page = operator.get(f"/console/orders?order={quote('<b>1')}&state=skipped&reason=test&day=2026-05-01").text
    assert 'value="&lt;b&gt;1"' in page
    for chosen in ('<option value="skipped" selected>', '<option value="test" selected>', 'value="2026-05-01"'):
        assert chosen in page


def test_what_axon_said_is_cut(operator: Any, orders: Any) -> None:
    """The API's own words may repeat a value of the event, so the list shows its code alone."""
    orders.refused("1", "invalid email ada.rowan@example.com")
    words = operator.read("/console/orders")
    assert "refused by Axon: answer 400" in words
    assert "ada.rowan" not in words
