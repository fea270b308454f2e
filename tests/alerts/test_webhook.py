"""Alerts to a webhook: what is sent, how it is signed, and what counts as told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from adapter.alerts.channels import Hook
from adapter.alerts.message import Message
from adapter.alerts.webhook import NotTold, post

MESSAGE = Message("order adapter: delivery_dead", "order adapter: delivery_dead\n• ü")

# printf '%s' '{"text": "order adapter: delivery_dead\n\u2022 \u00fc"}' | openssl dgst -sha256 -hmac 'hook secret'
SIGNATURE = "sha256=072f7552eb235b4e3c32d341bf75e159c88aa2e49f9c00e38fb57d88921eee85"


def test_what_slack_takes(hook_server: Any) -> None:
    """The body is a JSON object with the text alone; without a secret nothing is signed."""
    post(Hook(url=hook_server.url, secret=None), MESSAGE)
    ((headers, body),) = hook_server.received
    assert {"text": MESSAGE.text} == json.loads(body)
    assert "application/json" == headers["content-type"]
    assert "x-order-adapter-signature" not in headers


def test_the_signature(hook_server: Any) -> None:
    """With a secret the header holds the HMAC-SHA256 of the body's bytes, as OpenSSL computes it."""
    post(Hook(url=hook_server.url, secret="hook secret"), MESSAGE)
    ((headers, body),) = hook_server.received
    assert b'{"text": "order adapter: delivery_dead\\n\\u2022 \\u00fc"}' == body
    assert SIGNATURE == headers["x-order-adapter-signature"]


@pytest.mark.parametrize("status", [200, 201, 204])
def test_told(hook_server: Any, status: int) -> None:
    """Every success is one."""
    hook_server.status = status
    post(Hook(url=hook_server.url, secret=None), MESSAGE)


@pytest.mark.parametrize("status", [301, 307, 400, 404, 429, 500])
def test_not_told(hook_server: Any, status: int) -> None:
    """Everything else isn't, and no redirect is followed; the words hold no address."""
    hook_server.status = status
    with pytest.raises(NotTold, match=f"^the webhook answered {status}$"):
        post(Hook(url=hook_server.url, secret=None), MESSAGE)
    assert 1 == len(hook_server.received)


def test_nobody_there() -> None:
    """A webhook that can't be reached is named without its address, which is a secret."""
    with pytest.raises(NotTold) as caught:
        post(Hook(url="http://127.0.0.1:9/hooks/canary", secret="canary"), MESSAGE)
    assert "the webhook wasn't reached (ConnectionError)" == str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_an_answer_that_never_ends(hook_server: Any, timed: Callable[[Callable[[], object]], float]) -> None:
    """Whatever a receiver does, a try ends in time."""
    hook_server.status = "drips"
    hook = Hook(url=hook_server.url, secret=None)
    assert timed(lambda: post(hook, MESSAGE, seconds=0.5)) < 1.5
    with pytest.raises(NotTold):
        post(hook, MESSAGE, seconds=0.3)
