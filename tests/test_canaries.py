"""Nothing personal and no secret leaves by a side door: values that stand nowhere else are looked for everywhere.

They go through everything that takes something in, meets an error, or tells somebody of it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import structlog
from sqlalchemy import Engine, text

from adapter.alerts.marker import Marker
from adapter.alerts.telling import Teller
from adapter.app import create_app
from adapter.axon.sandbox import Sandbox
from adapter.logs import configure_logs
from adapter.operations.status import health_for_programs, health_lines, status_for_programs, status_lines
from adapter.storage.alerts import Alerts
from adapter.storage.sealing import Sealer
from adapter.wiring import Parts, load_configuration

ROOT = Path(__file__).parents[1]
SECRETS = {
    "SHOPIFY_WEBHOOK_SECRET": "canary-webhook-secret",
    "AXON_API_KEY": "canary-api-key",
    "STATUS_TOKEN": "canary-status-token",
    "CONSOLE_PASSWORD": "canary-console-password",
    "SECRET_KEY": "canary-secret-key-0123456789-0123456789",
    "ALERT_WEBHOOK_SECRET": "canary-alert-secret",
}
PERSONAL = {
    "email": "canary-mail@example.com",
    "phone": "+4940canary1",
    "note": "canary-note",
    "browser_ip": "203.0.113.77",
    "landing_site": "/?aleid=canary-landing",
    "token": "canary-order-token",
    "checkout_token": "canary-checkout-token",
    "note_attributes": [
        {"name": "_axon_event_id", "value": "canary-event-id"},
        {"name": "_axon_client_id", "value": "canary-client-id"},
    ],
    "client_details": {"browser_ip": "203.0.113.77", "user_agent": "canary-agent"},
    "billing_address": {"name": "Canary-Name", "address1": "canary-street", "zip": "cnr-1", "country_code": "US"},
    "customer": {"id": 7700011, "email": "canary-mail@example.com"},
}
HASHED = hashlib.sha256(b"canary-mail@example.com").hexdigest()
WORDS = ("canary", "203.0.113.77", HASHED, "cnr-1")
HEADERS = {
    "User-Agent": "canary-agent",
    "Cookie": "canary-cookie",
    "Referer": "https://canary.example/",
    "X-Request-ID": "r1",
}


class Receiver(ThreadingHTTPServer):
    """An operator's webhook, whose address is a secret."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.texts: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/canary-hook-path"


class _Post(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Keep what is told."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.texts.append(f"{self.headers} {body}")
        self.send_response(500 if len(self.server.texts) == 1 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Yield the operator's webhook."""
    server = Receiver()
    thread = Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Yield everything that is logged, also what is below info."""
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logs("debug", stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@dataclass
class House:
    """The web process, the worker and the watch on one database, and everything that they said to anybody."""

    parts: Parts
    api: Sandbox
    teller: Teller
    said: list[str]

    def __post_init__(self) -> None:
        """Make the application and the worker."""
        self.client = create_app(self.parts).test_client()
        self.worker = self.parts.worker()

    def order(self, id_: int, **changes: Any) -> None:
        """Let a signed order come in, and then the same with a wrong signature, broken, and as a click."""
        sample = json.loads((ROOT / "tests/samples/shopify/free_shipping_code.json").read_text())
        body = json.dumps(sample | PERSONAL | {"id": id_, **changes}).encode()
        for sent, signature in ((body, _signed(body)), (body, "canary-signature"), (body[:-9], _signed(body[:-9]))):
            self._post("/webhooks/shopify", sent, {"X-Shopify-Hmac-Sha256": signature})
        click = {"checkout_token": "canary-checkout-token", "aleid": "canary-aleid", "page_url": "canary-page"}
        for origin in ("https://shop.example", "https://canary.example"):
            self._post("/clicks/shopify", json.dumps(click).encode(), {"Origin": origin})

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        sent = {**HEADERS, "Content-Type": "application/json", **headers}
        self.said.append(self.client.post(f"{path}?q=canary-query", data=body, headers=sent).text)

    def pass_time(self, seconds: int) -> None:
        """Let the worker and the watch look every fifteen seconds."""
        for _ in range(seconds // 15):
            self.parts.clock.advance(15)  # type: ignore[attr-defined]  # The tests' clock.
            self.worker.drain()
            self.watch()

    def watch(self) -> None:
        """Let the watch look."""
        self.parts.store_tally()
        self.teller.look()

    def look_everywhere(self) -> None:
        """Ask every page and command that tells of the house's health."""
        for token in ("canary-status-token", "canary-guess"):
            for path in ("/status", "/metrics"):
                asked = self.client.get(path, headers={**HEADERS, "Authorization": f"Bearer {token}"})
                self.said += [asked.text, str(asked.headers)]
        facts = self.parts.examination().facts()
        health = health_for_programs(facts)
        self.said += [json.dumps(health), *health_lines(health)]

    def status(self) -> None:
        """Look at `adapter status`, but for the API's own last words, which are for the operator's eyes there."""
        parts = self.parts
        found = status_for_programs(parts.shops, parts.purchases, parts.destinations, parts.clock())
        for destination in found["destinations"]:
            destination |= {"reason": None, "last_answer": None}
        self.said += [json.dumps(found), *status_lines(found)]


def _signed(body: bytes) -> str:
    return base64.b64encode(hmac.new(b"canary-webhook-secret", body, hashlib.sha256).digest()).decode()


@pytest.fixture
def house(engine: Engine, clock: Any, receiver: Receiver, tmp_path: Path, log: io.StringIO) -> Iterator[House]:
    """Yield a house on each database, with every secret a canary."""
    variables = {
        **SECRETS,
        "MAPPINGS_DIR": str(ROOT / "mappings"),
        "SHOPIFY_SITE_URL": "https://shop.example",
        "AXON_PIXEL_ID": "pixel-1",
        "ALERT_WEBHOOK_URL": receiver.url,
        "ALERT_EMAIL_TO": "canary-operator@example.com",
        "SMTP_URL": "smtp://canary-user:canary-smtp-password@127.0.0.1:9",
    }
    with Sandbox({"pixel-1": "canary-api-key"}) as api:
        parts = Parts(load_configuration({**variables, "AXON_API_URL": api.url}), clock)
        parts.engine, parts.sealer = engine, Sealer([SECRETS["SECRET_KEY"]])
        teller = Teller(
            facts=parts.examination().facts,
            alerts=Alerts(engine),
            channels=parts.channels,
            marker=Marker(tmp_path / "told"),
            clock=clock,
        )
        yield House(parts, api, teller, receiver.texts)


def test_no_canary_comes_out(house: House, log: io.StringIO) -> None:
    """E-mail, phone, name, address, IP, tokens, click ids, keys, secrets: in no answer, metric, alert or log line."""
    house.order(1)
    house.pass_time(30)
    assert 1 == len(house.api.received()["events"])
    answers = {"headers": {"x-al-error-code": "canary-code", "x-al-error-message": "canary-mail@example.com"}}
    for id_, status in ((2, 400), (3, 401), (4, 503), (5, 204)):
        house.api.misbehave(status=status, body=f"canary-mail@example.com {HASHED}", **answers)
        house.order(id_)
        house.order(10 + id_, line_items=[{"title": "canary-item"}])
        house.pass_time(120)
        house.look_everywhere()
        house.status()
    with house.parts.engine.begin() as connection:
        for table in ("awaited_clicks", "purchases", "clicks"):
            connection.execute(text(f"DROP TABLE {table}"))
    house.order(6)
    for _ in range(3):
        house.watch()
    house.look_everywhere()
    said = [*house.said, *log.getvalue().splitlines()]
    for word in WORDS:
        assert not [line for line in said if word.lower() in line.lower()], word
    causes = {json.loads(line)["cause"] for line in log.getvalue().splitlines() if '"event":"alert"' in line}
    assert {"destination_paused", "quarantine_growing", "database_unusable"} <= causes
    assert '"alert not sent"' in log.getvalue()
