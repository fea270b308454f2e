"""Retried orders on their way: made anew after refusals alone, the same bytes after anything else."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from adapter.storage.retention import Retention
from adapter.storage.retries import Retries


def retry(house: Any, number: int = 1) -> bool:
    """Retry an order of acme; return whether that was possible."""
    return Retries(house.engine).retry("acme", str(number), house.clock()) is not None


def refuse_first(house: Any) -> None:
    """Let the API refuse the order 1 and take others, so that 1 is quarantined."""
    house.receive(1, 2)
    house.api.answer = lambda events: 400 if any(event["dedupe_id"] == "1" for event in events) else 200
    house.go_on(5)
    assert {"1": "quarantined", "2": "delivered"} == house.states()


def sent(house: Any) -> list[bytes]:
    """Return every sending of the order 1, as bytes."""
    return [event for batch in house.api.attempts for event in batch if json.loads(event)["dedupe_id"] == "1"]


def test_a_corrected_body_after_refusals(any_house: Any) -> None:
    """Every try was refused: a newer body makes the event anew, and it is delivered."""
    house = any_house
    refuse_first(house)
    house.clock.advance(60)
    house.receive(1, billing={"email": "b@example.com", "country": "DE"})
    house.api.answer = lambda _events: 200
    assert retry(house)
    house.go_on(1)
    assert "delivered" == house.states()["1"]
    first, *_, last = sent(house)
    assert first != last
    assert not retry(house)


def test_a_corrected_mapping_after_refusals(any_house: Any) -> None:
    """Every try was refused: the present mapping decides, here that the order isn't sent at all."""
    house = any_house
    refuse_first(house)
    house.worker = house.new_worker(orders='skip_if = "`true`"')
    assert retry(house)
    house.go_on(1)
    row = house.rows()["1"]
    assert ("skipped", True) == (row["state"], row["reason"].startswith("skip_if"))


@pytest.mark.parametrize("unknown", ["no answer in time", 500])
def test_the_same_bytes_after_an_unknown_outcome(any_house: Any, unknown: int | str) -> None:
    """One try may have been accepted: whatever body and mapping say since then, the same bytes go out."""
    house = any_house
    house.receive(1)
    house.api.answer = lambda _events: unknown
    house.go_on(5)
    assert [] != sent(house)
    Retention(house.engine, timedelta(0)).expire(timedelta(days=1), house.clock())
    assert "expired" == house.states()["1"]
    house.clock.advance(60)
    house.receive(1, total="99.00")
    house.worker = house.new_worker(orders='skip_if = "`true`"')
    house.api.answer = lambda _events: 200
    assert retry(house)
    house.go_on(120, step=20)
    assert "delivered" == house.states()["1"]
    assert 1 == len(set(sent(house)))


def test_a_retried_skipped_order(any_house: Any) -> None:
    """A skipped order is looked at again: by the same rules it is skipped again, by others it is sent."""
    house = any_house
    house.worker = house.new_worker(orders='skip_if = "`true`"')
    house.receive(1)
    house.go_on(1)
    assert retry(house)
    house.go_on(1)
    assert "skipped" == house.states()["1"]
    house.worker = house.new_worker()
    assert retry(house)
    house.go_on(1)
    assert ["1"] == house.api.accepted


def test_a_purged_order_stays_delivered(any_house: Any) -> None:
    """After its purge neither a retry nor the shop's next webhook sends a delivered order again."""
    house = any_house
    house.receive(1)
    house.go_on(1)
    assert 1 == Retention(house.engine, timedelta(0)).purge_orders(timedelta(days=1))
    house.clock.advance(60)
    house.receive(1, total="99.00")
    assert not retry(house)
    house.go_on(5)
    assert ["1"] == house.api.accepted
    assert (None, None) == (house.whole_row(1)["body"], house.whole_row(1)["event"])


def test_a_purged_skipped_order_counts_again(any_house: Any) -> None:
    """An order that was unpaid, skipped and purged becomes a purchase when its paid body comes."""
    house = any_house
    house.receive(1, status="pending", date_paid_gmt=None)
    house.go_on(1)
    assert "skipped" == house.states()["1"]
    assert 1 == Retention(house.engine, timedelta(0)).purge_orders(timedelta(days=1))
    house.clock.advance(60)
    house.receive(1)
    house.go_on(1)
    assert ["1"] == house.api.accepted
