"""A valid purchase to change, a clock to move, and a running sandbox with a client."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from adapter.axon.sandbox import Sandbox
from adapter.axon.sandbox.reading import read_events

PURCHASE: dict[str, Any] = {
    "name": "purchase",
    "event_time": 1741784485001,
    "event_source_url": "https://shop.example/thanks?order=1001",
    "dedupe_id": "1001",
    "user_data": {
        "client_ip_address": "203.0.113.9",
        "client_user_agent": "Mozilla/5.0",
        "esi": "web",
        "client_id": "browser-1",
    },
    "data": {
        "currency": "USD",
        "value": 30,
        "shipping": 5.99,
        "tax": 6,
        "transaction_id": "1001",
        "items": [{"item_id": "PROD-456", "price": 15, "quantity": 2}],
    },
}


def _change(event: Any, path: str, value: object) -> None:  # Steps through any JSON.
    *way, last = path.split(".")
    for step in way:
        event = event[int(step)] if step.isdecimal() else event[step]
    key: Any = int(last) if last.isdecimal() else last
    if value is ...:
        del event[key]
    else:
        event[key] = value


@pytest.fixture
def purchase() -> Callable[..., dict[str, Any]]:
    """Return a maker of valid purchases; changes go by dotted path, `...` removes."""

    def make(changes: dict[str, object] | None = None) -> dict[str, Any]:
        event = copy.deepcopy(PURCHASE)
        for path, value in (changes or {}).items():
            _change(event, path, value)
        return event

    return make


@pytest.fixture
def as_read() -> Callable[[object], object]:
    """Return what the sandbox makes of an event: parsed with exact numbers."""
    return lambda event: read_events(json.dumps([event]).encode())[0].document


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def move(self, **span: float) -> None:
        """Go on by so many seconds, minutes or milliseconds."""
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    """Return a clock at noon (UTC) of 1 May 2026."""
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    """Yield a running sandbox that knows one pixel and one key."""
    with Sandbox({"pixel": "key"}, clock=clock) as running:
        yield running


class Client:
    """A keep-alive connection to a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.connection = HTTPConnection("127.0.0.1", int(sandbox.base_url.rpartition(":")[2]), timeout=5)

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> HTTPResponse:
        """Send one request and return the answer, unread."""
        self.connection.request(method, target, body, headers)
        return self.connection.getresponse()

    def send(self, *events: object, pixel_id: str = "pixel", key: str = "key") -> tuple[int, Any]:
        """Send events with credentials; return the status and the body's JSON."""
        body = json.dumps({"events": events}).encode()
        answer = self.ask("POST", f"/v1/event?pixel_id={pixel_id}", body, Authorization=key)
        return answer.status, json.loads(answer.read())

    def get(self, target: str) -> tuple[int, Any]:
        """Ask for JSON."""
        answer = self.ask("GET", target)
        return answer.status, json.loads(answer.read())


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    """Yield a client of the running sandbox."""
    made = Client(sandbox)
    yield made
    made.connection.close()
