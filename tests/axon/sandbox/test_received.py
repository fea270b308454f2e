"""The memory and the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapter.axon.sandbox.reading import read_events
from adapter.axon.sandbox.received import Batch, Ledger, Received

Make = Callable[..., dict[str, Any]]
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def batch(**changed: Any) -> Batch:  # The fields of a batch.
    """Return a batch with one event, changed."""
    made: dict[str, Any] = {"at": "now", "pixel_id": "p", "status": 200, "count": 1, "dedupe_ids": ("1",)}
    return Batch(**(made | {"sha256": "ab", "reason": None} | changed))


def shown(received: Received, since: int = 0) -> dict[str, Any]:
    """Return what `GET /received` would show."""
    found: dict[str, Any] = json.loads(received.as_json(since))
    return found


def test_values_are_summed_by_currency_without_rounding(purchase: Make) -> None:
    """Unique purchases add up exactly by currency; a float sum of these would be 0.30000000000000004."""
    received = Received()
    for dedupe_id, currency, value in (("1", "EUR", 0.1), ("2", "EUR", 0.2), ("3", "JPY", 1000)):
        event = purchase({"dedupe_id": dedupe_id, "data.currency": currency, "data.value": value})
        received.process("p", read_events(json.dumps([event]).encode()), NOON)
    assert shown(received)["value_by_currency"] == {"EUR": "0.3", "JPY": "1000"}
    assert received.count() == {"requests": 0, "events": 3, "purchases": 3}


def test_a_merged_purchase_counts_once(purchase: Make) -> None:
    """A second event with the same id is shown and not counted, at another pixel it counts."""
    received = Received()
    events = read_events(json.dumps([purchase(), purchase()]).encode())
    received.process("p", events, NOON)
    received.process("q", events[:1], NOON)
    assert shown(received)["purchases"] == 2
    assert [event["outcome"] for event in shown(received)["events"]] == ["accepted", "merged", "accepted"]


def test_only_purchases_are_worth_something(purchase: Make) -> None:
    """Another event with a value is shown, and isn't a purchase."""
    received = Received()
    event = purchase({"name": "add_to_cart"})
    received.process("p", read_events(json.dumps([event]).encode()), NOON)
    assert shown(received)["value_by_currency"] == {}
    assert received.count() == {"requests": 0, "events": 1, "purchases": 0}


def test_a_purchase_without_an_amount_is_worth_nothing() -> None:
    """The memory takes what it is given: a purchase without value and currency counts, and adds nothing."""
    received = Received()
    received.process("p", read_events(b'[{"name": "purchase"}, 1]'), NOON)
    assert received.count() == {"requests": 0, "events": 2, "purchases": 1}
    assert shown(received)["value_by_currency"] == {}


def test_an_event_is_shown_as_it_came() -> None:
    """The event's own bytes are shown: number forms, key order and white space."""
    source = b'{"z": 19.90, "a":  1e2}'
    received = Received()
    received.process("p", read_events(b"[" + source + b"]"), NOON)
    assert b'"event":' + source in received.as_json()


@pytest.mark.parametrize(("since", "left"), [(0, ["1", "2"]), (1, ["2"]), (2, []), (9, [])])
def test_since_cuts_the_events_alone(since: int, left: list[str]) -> None:
    """From an index on only later events are shown; the figures stay those of everything."""
    received = Received()
    received.add_batch(batch())
    received.process("p", read_events(b'[{"dedupe_id":"1"},{"dedupe_id":"2"}]'), NOON)
    answer = shown(received, since)
    assert left == [event["dedupe_id"] for event in answer["events"]]
    assert (answer["requests"], len(answer["batches"])) == (1, 1)


def test_the_ledger_gets_a_line_per_batch(tmp_path: Path, purchase: Make) -> None:
    """A line holds the batch and each event's id, exact value, currency and hash; what an event lacks is null."""
    path = tmp_path / "ledger.jsonl"
    events = read_events(json.dumps([purchase({"data.value": 19.9}), {"data": {"value": "1"}}, 3]).encode())
    ledger = Ledger(path)
    ledger.append(batch(status=400), events)
    ledger.append(batch(status=None, sha256=None), ())
    first, second = map(json.loads, path.read_text().splitlines())
    hashes = [event.sha256 for event in events]
    entries = [["1001", "19.9", "USD", hashes[0]], [None, None, None, hashes[1]], [None, None, None, hashes[2]]]
    assert first == {"received_at": "now", "pixel_id": "p", "sha256": "ab", "status": 400, "events": entries}
    assert (second["status"], second["sha256"], second["events"]) == (None, None, [])
