"""The web process as a whole: its routes, its errors, the proxies in front; and nothing personal anywhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask, request
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from adapter.app import create_app
from adapter.errors import ConfigurationRefused
from adapter.logs import configure_logs
from adapter.storage.sealing import Sealer
from adapter.wiring import Parts, load_configuration

MAPPINGS = Path(__file__).parents[1] / "mappings"
SECRET = "shpss_4f8a1c0e9b7d2a63"
ENVIRONMENT = {
    "MAPPINGS_DIR": str(MAPPINGS),
    "SHOPIFY_WEBHOOK_SECRET": SECRET,
    "SHOPIFY_SITE_URL": "https://shop.example",
    "AXON_PIXEL_ID": "pixel-1",
    "AXON_API_KEY": "the-api-key-1",
    "AXON_API_URL": "http://127.0.0.1:9/v1/event",  # Nothing listens there.
}
CLICK = {"checkout_token": "c0ffee", "aleid": "a"}


@pytest.fixture
def parts(sqlite_engine: Engine, sealer: Sealer, clock: Any) -> Callable[..., Parts]:
    """Return a maker of the process's parts, with other variables."""

    def make(**changes: str) -> Parts:
        made = Parts(load_configuration({**ENVIRONMENT, **changes}), clock)
        made.engine, made.sealer = sqlite_engine, sealer
        return made

    return make


def test_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without parts the application is made from the environment; a wrong one is refused whole."""
    for name, value in {**ENVIRONMENT, "DATABASE_URL": f"sqlite:///{tmp_path}/a.db"}.items():
        monkeypatch.setenv(name, value)
    assert {"status": "up"} == create_app().test_client().get("/healthz").json
    monkeypatch.setenv("PORT", "0")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(ConfigurationRefused) as refused:
        create_app()
    assert ["PORT", "LOG_LEVEL"] == [problem.where for problem in refused.value.problems]


def test_the_routes(parts: Callable[..., Parts]) -> None:
    """There are these routes and no other; no folder of files is served."""
    found = {(rule.rule, *sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})) for rule in
             create_app(parts()).url_map.iter_rules()}  # fmt: skip
    expected = {
        ("/webhooks/<shop_name>", "POST"),
        ("/clicks/<shop_name>", "POST"),
        ("/storefront/<shop_name>.js", "GET"),
        ("/healthz", "GET"),
        ("/readyz", "GET"),
    }
    assert expected == found


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/x", "/../etc/passwd", "/webhooks/a\x00b", "/%ff%fe"])
def test_an_unknown_path(parts: Callable[..., Parts], path: str) -> None:
    """An unknown path is 404, and the error is JSON like every other."""
    answer = create_app(parts()).test_client().get(path)
    assert answer.status_code in (404, 405)
    assert {"error", "hint"} == set(answer.json or {})


def _broken(parts: Callable[..., Parts]) -> Flask:
    app = create_app(parts())

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("canary of a bug")

    return app


def test_a_bug(parts: Callable[..., Parts]) -> None:
    """A bug is answered 500 with constant words, and the log says which error and where, without its message."""
    with capture_logs() as logs:
        answer = _broken(parts).test_client().get("/broken")
    expected = {"error": "something went wrong here", "hint": "the log says where; please report it"}
    assert (500, expected) == (answer.status_code, answer.json)
    ((line),) = logs
    assert ("request failed", "RuntimeError") == (line["event"], line["problem"])
    assert "test_app.py:" in line["where"]
    assert "canary" not in str(line)


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        ("0", "203.0.113.9", "127.0.0.1"),
        ("1", "203.0.113.9", "203.0.113.9"),
        ("1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("2", "198.51.100.7, 203.0.113.9", "198.51.100.7"),
        ("2", "203.0.113.9", "127.0.0.1"),
        ("1", None, "127.0.0.1"),
    ],
)
def test_trusted_proxies(parts: Callable[..., Parts], hops: str, forwarded: str | None, address: str) -> None:
    """The buyer's address comes from as many proxies as are trusted; what a buyer put before them counts nothing."""
    made = parts(TRUSTED_PROXIES=hops)
    headers = {"Origin": "https://shop.example", **({"X-Forwarded-For": forwarded} if forwarded else {})}
    create_app(made).test_client().post("/clicks/shopify", json=CLICK, headers=headers)
    assert address == made.clicks.find("shopify", [("checkout_token", "c0ffee")])["ip"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/healthz"), ("POST", "/clicks/shopify")])
def test_a_proxy_nobody_told_us_of(parts: Callable[..., Parts], method: str, path: str) -> None:
    """X-Forwarded-For with TRUSTED_PROXIES=0 is warned of once, without the address, also when a click brings it."""
    client = create_app(parts()).test_client()
    with capture_logs() as logs:
        client.open(path, method=method)
        for _ in range(3):
            client.open(path, method=method, headers={"X-Forwarded-For": "203.0.113.9"})
    assert ["X-Forwarded-For arrives, and TRUSTED_PROXIES is 0"] == [line["event"] for line in logs]
    assert "203.0.113.9" not in str(logs)


def test_a_proxy_we_know(parts: Callable[..., Parts]) -> None:
    """With the proxy counted nothing is warned of."""
    with capture_logs() as logs:
        create_app(parts(TRUSTED_PROXIES="1")).test_client().get(
            "/healthz", headers={"X-Forwarded-For": "203.0.113.9"}
        )
    assert [] == logs


@pytest.mark.parametrize(("hops", "scheme"), [("0", "http"), ("1", "https"), ("3", "https")])
def test_the_scheme_behind_proxies(parts: Callable[..., Parts], hops: str, scheme: str) -> None:
    """However many proxies are trusted, X-Forwarded-Proto has one value, and it counts; without a proxy it doesn't."""
    app = create_app(parts(TRUSTED_PROXIES=hops))
    seen: list[str] = []
    app.before_request(lambda: seen.append(request.scheme))
    app.test_client().get("/healthz", headers={"X-Forwarded-Proto": "https"})
    assert [scheme] == seen


def test_a_proxy_can_not_move_the_service(parts: Callable[..., Parts]) -> None:
    """Neither host nor path prefix is taken from headers: only the address and the scheme are."""
    app = create_app(parts(TRUSTED_PROXIES="1"))
    seen: list[str] = []

    @app.get("/where")
    def where() -> str:
        seen.append(request.url)
        return ""

    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil", "X-Forwarded-Proto": "https"}
    app.test_client().get("/where", headers=forged)
    assert ["https://localhost/where"] == seen


@pytest.fixture
def debug_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Yield everything that is logged with LOG_LEVEL=debug."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logs("debug")
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()


CANARY = "canary-7f3a"
PERSONAL = {
    "email": f"{CANARY}@example.com",
    "phone": f"+49 40 {CANARY}",
    "browser_ip": "203.0.113.77",
    "note": CANARY,
    "landing_site": f"/?aleid={CANARY}",
    "token": f"token{CANARY}",
    "checkout_token": CANARY,
    "note_attributes": [{"name": "_axon_event_id", "value": CANARY}, {"name": CANARY, "value": CANARY}],
    "billing_address": {"first_name": CANARY, "zip": CANARY, "country_code": "US"},
    "customer": {"id": CANARY, "email": f"{CANARY}@example.com"},
}
ORDER = {
    "id": 5001,
    "financial_status": "paid",
    "created_at": "2026-05-01T11:59:00Z",
    "updated_at": "2026-05-01T12:00:00Z",
    "line_items": [],
    **PERSONAL,
}
BODIES = {
    "an order that can't be priced": ORDER,
    "a whole order": json.loads((MAPPINGS.parent / "tests/samples/shopify/free_shipping_code.json").read_text())
    | PERSONAL,
    "the same id, another order": ORDER | {"token": f"other{CANARY}"},
    "no order": {"order_edit": PERSONAL},
    "the test": ORDER | {"id": 820982911946154508, "test": True},
    "unreadable": [PERSONAL],
    "nearly an order": PERSONAL | {"financial_status": CANARY},
}


PATHS = ("/webhooks/shopify", "/webhooks/woocommerce", "/webhooks/acme", "/clicks/shopify", "/x")
CLICKS = (CLICK | {"aleid": CANARY}, CLICK | {"aleid": f" {CANARY}"}, {CANARY: CANARY}, CLICK | {"page_url": 1})
HEADERS = {
    "User-Agent": CANARY,
    "Cookie": f"session={CANARY}",
    "X-Forwarded-For": "203.0.113.77",
    "Authorization": CANARY,
    "Referer": CANARY,
}


def _webhooks() -> Iterator[tuple[bytes, dict[str, str]]]:
    """Yield every body with a right and two wrong signatures, in every form."""
    for body in (*(json.dumps(document).encode() for document in BODIES.values()), CANARY.encode()):
        right = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        for signature in (right, CANARY, f"\xff{CANARY}"):
            for kind in ("application/json", f"text/{CANARY}", f"application/json; charset={CANARY}"):
                yield body, HEADERS | {"Content-Type": kind, "X-Shopify-Hmac-Sha256": signature}


def _ask_everything(app: Flask) -> list[str]:
    client = app.test_client()
    origins = ({**HEADERS, "Origin": origin} for origin in ("https://shop.example", f"https://{CANARY}.example"))
    answers = [
        *(client.post(f"{path}?q={CANARY}", data=body, headers=sent) for body, sent in _webhooks() for path in PATHS),
        *(client.post("/clicks/shopify", json=click, headers=sent) for sent in origins for click in CLICKS),
        *(client.get(path, headers=HEADERS) for path in ("/healthz", "/readyz", "/broken", f"/x?q={CANARY}")),
    ]
    return [answer.text for answer in answers]


def test_nothing_personal_leaks(parts: Callable[..., Parts], debug_log: io.StringIO) -> None:
    """No value of a request stands in any answer or log line, at any level, nor a secret, nor a stack trace."""
    made = parts()
    app = create_app(made)

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError(CANARY)

    answers = _ask_everything(app)
    made.worker().drain()
    with made.engine.begin() as connection:
        for table in ("awaited_clicks", "purchases", "clicks"):
            connection.execute(text(f"DROP TABLE {table}"))
    answers += _ask_everything(app)
    for words in (CANARY, "203.0.113.77", SECRET, "the-api-key-1", "Traceback"):
        assert not [answer for answer in answers if words in answer]
        assert not [line for line in debug_log.getvalue().splitlines() if words in line]
    events = {json.loads(line)["event"] for line in debug_log.getvalue().splitlines()}
    assert {"webhook taken", "webhook refused", "webhook not stored", "request failed", "order quarantined"} <= events


@pytest.mark.parametrize("path", ["/webhooks/shopify", "/clicks/shopify"])
def test_both_doors_have_the_straight_way(parts: Callable[..., Parts], path: str) -> None:
    """Neither an order nor a click goes through Flask's routing."""
    app = create_app(parts())
    seen: list[str] = []
    app.before_request(lambda: seen.append("Flask"))
    answer = app.test_client().post(path, json={}, headers={"Origin": "https://shop.example"})
    assert answer.status_code in (400, 401)
    assert [] == seen
