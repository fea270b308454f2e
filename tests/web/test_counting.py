"""Around every request: its id, and what was answered, counted; in few labels, whatever is asked for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from adapter.tally import UNKNOWN
from adapter.web.counting import request_id_of

CLICK = {"checkout_token": "c0ffee", "aleid": "a"}


def counts(web: Any) -> dict[tuple[str, ...], int]:
    """Return what was counted."""
    return {tuple(key): count for key, count in web.parts.tally.take().items()}


def test_webhooks_and_clicks(web_on_sqlite: Any, shopify: Any) -> None:
    """Answers count by shop and status."""
    shopify.send(web_on_sqlite, shopify.full_order())
    for body in (b"{}", b"[]"):
        web_on_sqlite.post(shopify.path, body)
    web_on_sqlite.client.post("/clicks/shopify", json=CLICK, headers={"Origin": "https://shop.example"})
    web_on_sqlite.client.post("/clicks/shopify", json=CLICK, headers={"Origin": "https://evil.example"})
    assert {
        ("webhooks", "shopify", "200"): 1,
        ("webhooks", "shopify", "401"): 2,
        ("clicks", "shopify", "204"): 1,
        ("clicks", "shopify", "403"): 1,
    } == counts(web_on_sqlite)


def test_labels_are_bounded(web_on_sqlite: Any) -> None:
    """What anybody may invent is no label: shops that aren't there are one, other methods and pages none."""
    for number in range(50):
        web_on_sqlite.post(f"/webhooks/canary{number}", b"{}")
        web_on_sqlite.post(f"/clicks/canary{number}/x", b"{}")
        web_on_sqlite.client.get(f"/webhooks/canary{number}")
        web_on_sqlite.client.options("/clicks/shopify")
        web_on_sqlite.post(f"/canary{number}", b"{}")
    assert {("webhooks", "(unknown)", "404"): 50, ("clicks", "(unknown)", "404"): 50} == counts(web_on_sqlite)


def test_the_unknown_shop_is_no_shop() -> None:
    """No mapping file can have the name that stands for all others."""
    assert not re.fullmatch(r"[a-z0-9_-]+", UNKNOWN)


@pytest.mark.parametrize("given", ["5f0c2f0e-0d5b-4d2a-8a83-5a3a0f3f1d61", "abc.DEF_1", "a" * 40])
def test_a_request_id_is_taken(web_on_sqlite: Any, shopify: Any, given: str) -> None:
    """An id that a proxy made stands in the log and in the answer."""
    with capture_logs(processors=[_with_context]) as logs:
        answer = web_on_sqlite.post(shopify.path, b"{}", {"X-Request-ID": given})
    assert given == answer.headers["X-Request-ID"]
    assert [given] == [line["request"] for line in logs]


@pytest.mark.parametrize("given", [None, "", "a" * 41, "a b", "ä", "a@example.com", '"', "a\tb"])
def test_a_request_id_is_made(given: str | None) -> None:
    """Where there is none, or one that is long or odd, a new one is made, each time another."""
    made = request_id_of(given)
    assert re.fullmatch("[0-9a-f]{12}", made)
    assert made != request_id_of(given)


def test_every_page_has_one(web_on_sqlite: Any) -> None:
    """Errors and health checks as well."""
    for path in ("/healthz", "/readyz", "/nothing"):
        assert web_on_sqlite.client.get(path).headers["X-Request-ID"]


def _with_context(_logger: Any, _name: str, line: Any) -> Any:
    return {**get_contextvars(), **line}
