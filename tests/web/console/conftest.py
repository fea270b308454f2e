"""The console as an operator's browser sees it: pages, forms with their tokens, cookies."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from adapter.axon.outcome import Outcome, Verdict
from adapter.delivery import settlements
from adapter.delivery.preparing import Preparer, ToSend
from adapter.storage.arrivals import Receipt
from adapter.storage.purchases import Claim, Settlement
from adapter.storage.search import Wanted

SAMPLES = Path(__file__).parents[2] / "samples"
PASSWORD = "correct horse battery"
HTTPS = "https://adapter.example"


def words_of(response: TestResponse) -> str:
    """Return the words of a page."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.text)).split())


class Operator:
    """One browser at the console of one application."""

    def __init__(self, web: Any, base: str = HTTPS) -> None:
        self.web = web
        self.client = web.client.application.test_client()
        self.base = base

    def get(self, path: str, **options: Any) -> TestResponse:
        """Load a page; redirects aren't followed."""
        return self.client.get(path, base_url=self.base, **options)

    def read(self, path: str, status: int = 200) -> str:
        """Return the words of a page, without its tags, each white space as one blank."""
        answer = self.get(path)
        assert status == answer.status_code
        return words_of(answer)

    def token(self, path: str = "/console/login") -> str:
        """Return the token that the forms of a page carry."""
        found = re.search(r'name="token" value="([^"]+)"', self.get(path).text)
        assert found
        return found[1]

    def post(self, path: str, token: str | None = None, headers: dict[str, str] | None = None, **form: str) -> Any:
        """Send a form, with the session's token unless another one is given."""
        given = self.token() if token is None else token
        return self.client.post(path, base_url=self.base, data={"token": given, **form}, headers=headers or {})

    def login(self, password: str = PASSWORD, **form: str) -> TestResponse:
        """Log in."""
        return self.post("/console/login", password=password, **form)

    def cookie(self) -> str:
        """Return the session's cookie as the browser sends it."""
        name = "__Host-order-adapter-console" if self.base.startswith("https") else "order-adapter-console"
        found = self.client.get_cookie(name, domain=self.base.partition("://")[2])
        assert found
        return f"{name}={found.value}"


@pytest.fixture
def make_operator(make_web: Callable[..., Any]) -> Callable[..., Operator]:
    """Return what opens a browser at a console on a given engine, with other variables."""

    def make(engine: Engine, base: str = HTTPS, **changes: str) -> Operator:
        keys = {"CONSOLE_PASSWORD": PASSWORD, "SECRET_KEY": "k" * 40}
        return Operator(make_web(engine, **{**keys, **changes}), base)

    return make


@pytest.fixture
def stranger(sqlite_engine: Engine, make_operator: Callable[..., Operator]) -> Operator:
    """Return a browser that isn't logged in, for what has nothing to do with the database."""
    return make_operator(sqlite_engine)


@pytest.fixture
def operator(engine: Engine, make_operator: Callable[..., Operator]) -> Operator:
    """Return a browser that is logged in, once on each database."""
    made = make_operator(engine)
    assert 303 == made.login().status_code
    return made


class Orders:
    """Orders of the shop `shopify`, brought into any state at the console's own database."""

    def __init__(self, operator: Operator, clock: Any) -> None:
        self._parts = operator.web.parts
        self._clock = clock

    def receive(self, order_id: str = "1", body: bytes | None = None, shop: str = "shopify", **changes: Any) -> int:
        """Receive one order; return the number of its row."""
        sample = SAMPLES / shop / {"shopify": "web_discounts_usd.json", "woocommerce": "tax-included.json"}[shop]
        receipt = {"counts": True, "age": timedelta(seconds=4), "body": body or sample.read_bytes()} | changes
        self._parts.purchases.receive([Receipt(shop=shop, order_id=order_id, **receipt)], self._clock())
        return self.row(order_id, shop)

    def row(self, order_id: str = "1", shop: str = "shopify") -> int:
        """Return the number of an order's row."""
        found = self._parts.search().page(Wanted(shop=shop, order_id=order_id)).rows
        row: int = found[0]["id"]
        return row

    def prepared(self, order_id: str) -> ToSend:
        """Claim an order, and make its event."""
        claims = self._parts.purchases.claim(
            self._parts.shops.by_name, "due", 100, self._clock(), timedelta(minutes=1)
        )
        (claim,) = [claim for claim in claims if claim.order_id == order_id]
        preparer = Preparer(self._parts.purchases, self._parts.clicks)
        (prepared,) = preparer.prepare([claim], self._parts.shops.by_name, self._clock())
        assert isinstance(prepared, ToSend)
        return prepared

    def send(self, order_id: str, settle: Callable[[Claim, Outcome, datetime], Settlement], **answer: Any) -> int:
        """Send an order whose answer is this, and settle it so; three seconds pass."""
        prepared = self.prepared(order_id)
        self._parts.purchases.freeze([(prepared.claim, prepared.event)], self._clock(), timedelta(minutes=1))
        outcome = Outcome(**answer)
        self._parts.purchases.settle([settle(prepared.claim, outcome, self._clock.advance(3))])
        return self.row(order_id, prepared.claim.shop)

    def delivered(self, order_id: str = "1", **changes: Any) -> int:
        """Receive an order that Axon accepts."""
        self.receive(order_id, **changes)
        return self.send(order_id, settlements.delivered, verdict=Verdict.ACCEPTED, status=200)

    def refused(self, order_id: str = "1", message: str = "bad price", **changes: Any) -> int:
        """Receive an order that Axon refuses."""
        self.receive(order_id, **changes)
        answer = {"verdict": Verdict.REFUSED, "status": 400, "error_message": message}
        return self.send(order_id, settlements.refused, **answer)


@pytest.fixture
def orders(operator: Operator, clock: Any) -> Orders:
    """Return the orders that the operator looks at."""
    return Orders(operator, clock)
