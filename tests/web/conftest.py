"""The web process's application on each database, and senders that sign as the two platforms do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine, select
from werkzeug.test import TestResponse

from adapter.app import create_app
from adapter.storage.sealing import Sealer
from adapter.storage.tables import purchases
from adapter.web.console.password import Cost
from adapter.wiring import Configuration, Parts, load_configuration

ROOT = Path(__file__).parents[2]
SHOPIFY_SECRET = "shpss_4f8a1c0e9b7d2a63"
WOOCOMMERCE_SECRET = "Wq7Zx4Jk9Vb2Nm5Rt8Yp"

ENVIRONMENT = {
    "MAPPINGS_DIR": str(ROOT / "mappings"),
    "SHOPIFY_WEBHOOK_SECRET": SHOPIFY_SECRET,
    "SHOPIFY_SITE_URL": "https://shop.example",
    "WOOCOMMERCE_WEBHOOK_SECRET": WOOCOMMERCE_SECRET,
    "WOOCOMMERCE_SITE_URL": "https://woo.example",
    "AXON_PIXEL_ID": "pixel-1",
    "AXON_API_KEY": "key-1",
    "AXON_API_URL": "http://127.0.0.1:9/v1/event",  # Nothing listens there.
}

CHEAP = Cost(n=2, r=1, p=1)
"""What a guess of the console's password costs: hundreds of tests log in."""


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    """Leave no logging set-up behind."""
    yield
    structlog.reset_defaults()


def signature(body: bytes, secret: str) -> str:
    """Return what both platforms put into their header."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


@cache
def _configuration(variables: frozenset[tuple[str, str]]) -> Configuration:
    return load_configuration(dict(variables))


def shipped(variables: dict[str, str]) -> Configuration:
    """Return the configuration with the shipped mapping files: it can't change, so every test may have the same."""
    return _configuration(frozenset(variables.items()))


class Compiled(BytecodeCache):
    """The compiled templates of this process, for the applications of all its tests."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the code of a template, if it was compiled before; `bucket` knows the template's text by its hash."""
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template."""
        self._code[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


class Web:
    """The application on one database; `changes` are variables of the environment, None removes one."""

    def __init__(
        self, engine: Engine, sealer: Sealer, clock: Callable[[], datetime], changes: dict[str, str | None]
    ) -> None:
        variables = {name: value for name, value in {**ENVIRONMENT, **changes}.items() if value is not None}
        configuration = (load_configuration if "MAPPINGS_DIR" in changes else shipped)(variables)
        self.engine = engine
        self.sealer = sealer
        self.parts = Parts(configuration, clock, monotonic=lambda: 1000.0)  # It stands still, so no limit recovers.
        self.parts.engine = engine
        engine.get_execution_options()["queue"]._gap = 0.0  # It is left for other processes; here is none.
        self.parts.sealer = sealer
        application = create_app(self.parts, CHEAP)
        application.jinja_env.bytecode_cache = COMPILED
        self.client: FlaskClient = application.test_client()

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> TestResponse:
        """Send a body of JSON, unless the headers say otherwise."""
        return self.client.post(path, data=body, headers={"Content-Type": "application/json", **(headers or {})})

    def rows(self) -> dict[str, Any]:
        """Return the rows of the ledger by order id."""
        with self.engine.connect() as connection:
            return {row["order_id"]: row for row in connection.execute(select(purchases)).mappings()}

    def stored(self, order_id: str) -> bytes:
        """Return the body that is kept for an order."""
        row = self.rows()[order_id]
        return self.sealer.open(row["body"], f"purchases/body/{row['shop']}/{order_id}")

    def deliver(self) -> None:
        """Let a worker do what is due."""
        self.parts.worker().drain()


@pytest.fixture
def make_web(sealer: Sealer, clock: Callable[[], datetime]) -> Callable[..., Web]:
    """Return a maker of applications with other variables on a given engine."""
    return lambda engine, **changes: Web(engine, sealer, clock, changes)


@pytest.fixture
def web(engine: Engine, make_web: Callable[..., Web]) -> Web:
    """Return the application, once on each database."""
    return make_web(engine)


@pytest.fixture
def web_on_sqlite(sqlite_engine: Engine, make_web: Callable[..., Web]) -> Web:
    """Return the application on SQLite, for what has nothing to do with the database."""
    return make_web(sqlite_engine)


@dataclass(frozen=True)
class Sender:
    """A platform's shop: how it signs, and small orders of it."""

    name: str
    secret: str
    header: str
    path: str
    variable: str
    wrong_secret_hint: str
    sample: str
    order: Callable[..., bytes] = field(repr=False)

    def signed(self, body: bytes, secret: str | None = None) -> dict[str, str]:
        """Return the headers of a signed delivery."""
        return {self.header: signature(body, self.secret if secret is None else secret)}

    def send(self, web: Web, body: bytes) -> TestResponse:
        """Send a signed body."""
        return web.post(self.path, body, self.signed(body))

    def full_order(self) -> bytes:
        """Return a whole, priceable order."""
        return (ROOT / "tests" / "samples" / self.name / self.sample).read_bytes()


def shopify_order(
    id_: int = 5001, at: str = "12:00:00", token: str = "cafe5001", note: str = "", *, paid: bool = True
) -> bytes:
    """Return as much of an order as intake looks at; `at` is the time of its stamp."""
    document = {
        "id": id_,
        "token": token,
        "note": note,
        "financial_status": "paid" if paid else "pending",
        "created_at": "2026-05-01T11:59:00Z",
        "updated_at": f"2026-05-01T{at}Z",
        "line_items": [],
    }
    return json.dumps(document).encode()


def woocommerce_order(
    id_: int = 5001, at: str = "12:00:00", token: str = "wc_order_5001", note: str = "", *, paid: bool = True
) -> bytes:
    """Return as much of an order as intake looks at; `at` is the time of its stamp."""
    document = {
        "id": id_,
        "order_key": token,
        "customer_note": note,
        "status": "processing" if paid else "pending",
        "date_created_gmt": "2026-05-01T11:59:00",
        "date_modified_gmt": f"2026-05-01T{at}",
        "date_paid_gmt": "2026-05-01T11:59:30" if paid else None,
        "total": "10.00",
        "line_items": [],
    }
    return json.dumps(document).encode()


SHOPIFY = Sender(
    name="shopify",
    secret=SHOPIFY_SECRET,
    header="X-Shopify-Hmac-Sha256",
    path="/webhooks/shopify",
    variable="SHOPIFY_WEBHOOK_SECRET",
    wrong_secret_hint="Settings › Notifications › Webhooks",
    sample="free_shipping_code.json",
    order=shopify_order,
)
WOOCOMMERCE = Sender(
    name="woocommerce",
    secret=WOOCOMMERCE_SECRET,
    header="X-WC-Webhook-Signature",
    path="/webhooks/woocommerce",
    variable="WOOCOMMERCE_WEBHOOK_SECRET",
    wrong_secret_hint="Settings › Advanced › Webhooks",
    sample="tax-included.json",
    order=woocommerce_order,
)


@pytest.fixture
def shopify() -> Sender:
    """Return the Shopify shop."""
    return SHOPIFY


@pytest.fixture
def woocommerce() -> Sender:
    """Return the WooCommerce shop."""
    return WOOCOMMERCE


@pytest.fixture(params=[SHOPIFY, WOOCOMMERCE], ids=lambda sender: sender.name)
def sender(request: pytest.FixtureRequest) -> Sender:
    """Return each platform's shop in turn."""
    found: Sender = request.param
    return found
