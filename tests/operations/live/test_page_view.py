"""The one event that a check may send: what it holds, and what each answer shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

import pytest

from adapter.axon.client import AxonClient
from adapter.axon.outcome import Outcome, Verdict
from adapter.axon.sandbox import Sandbox
from adapter.operations.live.page_view import announcement, page_view, send
from adapter.wiring import Parts


class Answering:
    """A Conversion API that always ends in this outcome."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def send(
        self,
        api_url: str,
        pixel_id: str,
        api_key: str,
        events: Sequence[bytes],
        envelope: Literal["events", "list"] = "events",
    ) -> Outcome:
        """Return the outcome."""
        assert ("pixel", "key", 1, "events") == (pixel_id, api_key, len(events), envelope)
        assert api_url
        return self.outcome


def shop_of(parts: Parts) -> Any:
    """Return the shop."""
    return parts.shops.get("shopify")


def test_the_event(make_parts: Callable[..., Parts], clock: Any) -> None:
    """It is a page_view of the shop's own address by nobody: no purchase, no value, no person."""
    event = json.loads(page_view(shop_of(make_parts()), clock(), "c0ffee"))
    assert {
        "name": "page_view",
        "event_time": 1777636800000,
        "event_source_url": "https://shop.example",
        "dedupe_id": "order-adapter-check-c0ffee",
        "user_data": {
            "client_id": "order-adapter-check-c0ffee",
            "client_ip_address": "192.0.2.1",
            "client_user_agent": "Mozilla/5.0 (compatible; order-adapter check)",
            "esi": "web",
        },
        "data": None,
    } == event


def test_the_documented_api_takes_it(make_parts: Callable[..., Parts], clock: Any) -> None:
    """A Conversion API that behaves as its page says accepts it, and refuses it with a wrong key."""
    with Sandbox({"pixel": "key"}) as api:
        right, other = make_parts(AXON_API_URL=api.url), make_parts(AXON_API_URL=api.url, AXON_API_KEY="other")
        event = page_view(shop_of(right), clock.now(), "c0ffee")
        accepted = send(shop_of(right), event, AxonClient())
        refused = send(shop_of(other), event, AxonClient())
        assert ["page_view"] == [received["event"]["name"] for received in api.received()["events"]]
    assert (False, "") == (accepted.is_wrong, accepted.step)
    assert accepted.fact.endswith(": key and pixel id are right")
    assert refused.is_wrong
    assert "key or pixel id is wrong" in refused.fact


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(verdict=Verdict.UNAUTHORIZED, status=404), "answer 404: key or pixel id is wrong"),
        (Outcome(verdict=Verdict.REFUSED, status=400), "answer 400: the event was refused, not the key"),
        (Outcome(verdict=Verdict.UNKNOWN, problem="no answer in time"), "no answer in time: nothing is known by that"),
        (Outcome(verdict=Verdict.UNEXPECTED, status=302), "answer 302: nothing is known by that"),
    ],
)
def test_other_answers(make_parts: Callable[..., Parts], outcome: Outcome, words: str) -> None:
    """Every other answer is wrong, and says what it shows and what to do."""
    found = send(shop_of(make_parts()), b"{}", Answering(outcome))
    assert (f"Axon about the test event of shopify: {words}", True) == (found.fact, found.is_wrong)
    assert found.step


def test_without_a_destination(make_parts: Callable[..., Parts]) -> None:
    """A shop without pixel id or key has nowhere to send it."""
    found = send(shop_of(make_parts(AXON_API_KEY="")), b"{}", Answering(Outcome(verdict=Verdict.ACCEPTED)))
    assert found.is_wrong
    assert "no event was sent" in found.fact


def test_it_is_announced(make_parts: Callable[..., Parts]) -> None:
    """What is about to be sent is shown whole, with where to, and without the key."""
    words = announcement(shop_of(make_parts()).destination, b'{"name":"page_view"}')
    assert 'sending one event to https://b.applovin.com/v1/event, pixel id pixel: {"name":"page_view"}' == words
