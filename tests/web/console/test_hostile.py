"""Hostile text in every field of an order and of a click: it shows as text, and can do nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[2] / "samples"

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": "\" onmouseover='alert(1)' x=\"",
    "markup": "</td></table><h1>owned</h1><!--",
    "template": "{{ 7 * 7 }}{% for x in y %}",
    "controls": "a\x07b\x1b[31mc\x9bd",
    "right to left": "\u202eevil\u202c\u2066x\u200b",
    "long": "n" * 10_000,
    "a surrogate": "\\ud800",
}


def poisoned(value: Any, text: str) -> Any:
    """Return the document with this text in place of every text that is no amount, no time and no word it needs."""
    match value:
        case dict():
            return {name: inner if name in KEPT else poisoned(inner, text) for name, inner in value.items()}
        case list():
            return [poisoned(inner, text) for inner in value]
        case str() if not re.fullmatch(r"[\d.:TZ+-]*", value):
            return text
        case _:
            return value


KEPT = ("currency", "presentment_currency", "currency_code", "financial_status", "status", "source_name", "token",
        "order_key", "email", "gateway")  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("shop", ["shopify", "woocommerce"])
def test_in_an_order(operator: Any, orders: Any, shop: str, text: str) -> None:
    """Its page, with everything shown, and the lists: no tag of the text is one of the page's."""
    sample = {"shopify": "web_discounts_usd.json", "woocommerce": "tax-included.json"}[shop]
    body = json.dumps(poisoned(json.loads((SAMPLES / shop / sample).read_text()), text)).encode()
    row = orders.receive(f"1{text[:80]}", body, shop=shop)
    pages = [
        operator.get(f"/console/orders/{row}").text,
        operator.post(f"/console/orders/{row}/show").text,
        operator.get("/console/orders").text,
        operator.get("/console/").text,
        operator.get(f"/console/orders/{row}/give-up").text,
    ]
    for page in pages:
        check(page)
    assert text[:3].replace("<", "&lt;").replace('"', "&#34;") in pages[1] or not text.isprintable()


def check(page: str) -> None:
    """Whether nothing of a hostile text is more than text."""
    assert "Something went wrong" not in page
    assert not re.search(r"<script|<h1>owned|onmouseover='|<!--", page)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", page)
    assert "n" * 2500 not in page


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_in_reason_and_answer(operator: Any, orders: Any, text: str) -> None:
    """What Axon answers is hostile as well, for all we know."""
    row = orders.refused("1", text.replace("\x00", ""))
    for page in (operator.get("/console/orders").text, operator.post(f"/console/orders/{row}/show").text):
        check(page)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_in_a_click(operator: Any, orders: Any, clock: Any, text: str) -> None:
    """Click identifiers that a browser posted stand on the order's page as text."""
    document = json.loads((SAMPLES / "shopify" / "web_discounts_usd.json").read_text())
    document |= {"note_attributes": [], "checkout_token": "c0ffee", "landing_site": "/"}
    fields = dict.fromkeys(("aleid", "alart", "axwrt", "client_id", "sid", "page_url"), text[:500])
    operator.web.parts.clicks.remember("shopify", [("checkout_token", "c0ffee")], fields, clock())
    row = orders.receive("1", json.dumps(document).encode())
    check(operator.post(f"/console/orders/{row}/show").text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_in_an_address(operator: Any, text: str) -> None:
    """Every parameter of a page's address."""
    for name in ("order", "shop", "state", "reason", "day", "older", "days", "next"):
        for path in ("/console/", "/console/orders", "/console/setup", "/console/login"):
            answer = operator.get(path, query_string={name: text})
            assert 200 == answer.status_code
            check(answer.text)
